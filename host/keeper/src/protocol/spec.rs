//! What is to be started, in the form in which it is executed. Nothing in it is interpreted by the keeper: the strings are
//! those that the kernel is given, and are used where they lie in the message.

use std::ffi::{CStr, CString};

use super::bytes::{Malformed, Reader, TooLong, Writer, numbered};
use super::values::Ending;

numbered! {
    /// The standard input of a process.
    Input, "input", {
        /// `/dev/null`.
        Null = 0,
        /// A pipe that the keeper makes, and whose other end it keeps open.
        Pipe = 1,
        /// A descriptor beside the message.
        Given = 2,
        /// The [terminal](super::Spec::terminal).
        Terminal = 3,
    }
}

numbered! {
    /// Standard output or error of a process.
    Output, "output", {
        /// `/dev/null`.
        Null = 0,
        /// A pipe that the keeper makes. The process gets it open for reading and writing, so that it never meets a pipe
        /// without a reader, even when the host and the keeper are gone.
        Pipe = 1,
        /// A descriptor beside the message.
        Given = 2,
        /// The [terminal](super::Spec::terminal).
        Terminal = 3,
        /// Standard error only: where standard output goes.
        Same = 4,
    }
}

/// The value of a variable that stands for the process id of the child: `LISTEN_PID` has to be that of the process itself. It is
/// not text, so it is no value of anybody else. The name of such a variable has at most 20 bytes; a longer one is left out.
pub const OWN_PID: &[u8] = b"\xffPID";

/// Strings in order: to be written, or read and already checked.
#[derive(Clone, Copy, Debug)]
pub enum Strings<'a> {
    /// These.
    Listed(&'a [CString]),
    /// So many, as they are written.
    Written(usize, &'a [u8]),
}

impl<'a> Strings<'a> {
    /// Returns how many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        match self {
            Self::Listed(strings) => strings.len(),
            Self::Written(count, _) => *count,
        }
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Returns them, one after the other.
    pub fn iter(&self) -> impl Iterator<Item = &'a CStr> + use<'a> {
        let (listed, written): (&'a [CString], &'a [u8]) = match *self {
            Self::Listed(strings) => (strings, &[]),
            Self::Written(_, bytes) => (&[], bytes),
        };
        let mut reader = Reader::new(written);
        listed.iter().map(CString::as_c_str).chain(std::iter::from_fn(move || reader.text().ok()))
    }

    fn write(&self, writer: &mut Writer<'_>) {
        writer.u32(u32::try_from(self.len()).unwrap_or(u32::MAX));
        for string in self.iter() {
            writer.text(string);
        }
    }

    fn read(reader: &mut Reader<'a>) -> Result<Self, Malformed> {
        let count = usize::try_from(reader.u32()?).map_err(|_| Malformed::Short)?;
        let start = reader.clone().rest();
        for _ in 0..count {
            reader.text()?;
        }
        let length = start.len() - reader.clone().rest().len();
        Ok(Self::Written(count, start.get(..length).unwrap_or_default()))
    }
}

impl PartialEq for Strings<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.iter().eq(other.iter())
    }
}

impl Eq for Strings<'_> {}

/// A process that is to be started, in its own session and group, with an empty signal mask and default dispositions.
///
/// The descriptors beside [`Order::Spawn`](super::Order::Spawn) are, in this order: the memfd of the spec if it is
/// [elsewhere](super::Order::SpawnLarge); those of [`Input::Given`] and [`Output::Given`]; the other side of the terminal,
/// if there is one; the [`files`](Self::files).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Spec<'a> {
    /// The path of the program.
    pub program: &'a CStr,
    /// Its arguments, its own name first.
    pub arguments: Strings<'a>,
    /// Its environment, as `NAME=value`. The value [`OWN_PID`] stands for its process id.
    pub environment: Strings<'a>,
    /// Its working directory; that of the keeper if none.
    pub directory: Option<&'a CStr>,
    /// Its terminal, which becomes the controlling one of its session, if a descriptor asks for it.
    pub terminal: Option<&'a CStr>,
    /// Its standard input.
    pub input: Input,
    /// Its standard output.
    pub output: Output,
    /// Its standard error.
    pub error: Output,
    /// How many of the descriptors beside the message it gets as numbers 3, 4 and so on.
    pub files: u8,
    /// The files to which the keeper moves standard output and error while no host is attached, as absolute paths; without
    /// one, what was written waits in the pipe.
    pub gap_files: [Option<&'a CStr>; 2],
    /// How it is ended without a host.
    pub ending: Ending,
}

impl<'a> Spec<'a> {
    pub(super) fn write(&self, writer: &mut Writer<'_>) {
        self.input.write(writer);
        self.output.write(writer);
        self.error.write(writer);
        writer.u8(self.files);
        self.ending.write(writer);
        writer.text(self.program);
        for path in [self.directory, self.terminal, self.gap_files[0], self.gap_files[1]] {
            writer.optional_text(path);
        }
        self.arguments.write(writer);
        self.environment.write(writer);
    }

    pub(super) fn read(reader: &mut Reader<'a>) -> Result<Self, Malformed> {
        let input = Input::read(reader)?;
        let output = Output::read(reader)?;
        if output == Output::Same {
            return Err(Malformed::Value("output", Output::Same as u32));
        }
        Ok(Self {
            input,
            output,
            error: Output::read(reader)?,
            files: reader.u8()?,
            ending: Ending::read(reader)?,
            program: reader.text()?,
            directory: reader.optional_text()?,
            terminal: reader.optional_text()?,
            gap_files: [reader.optional_text()?, reader.optional_text()?],
            arguments: Strings::read(reader)?,
            environment: Strings::read(reader)?,
        })
    }

    /// Writes the spec alone, for a memfd, which the host then seals (`F_SEAL_WRITE`, `F_SEAL_SHRINK`, `F_SEAL_GROW`).
    ///
    /// # Errors
    /// It does not fit into the buffer.
    pub fn encode<'b>(&self, buffer: &'b mut [u8]) -> Result<&'b [u8], TooLong> {
        let mut writer = Writer::new(buffer);
        self.write(&mut writer);
        writer.finish()
    }

    /// Reads what [`encode`](Self::encode) has written.
    ///
    /// # Errors
    /// The bytes are not a spec.
    pub fn decode(bytes: &'a [u8]) -> Result<Self, Malformed> {
        let mut reader = Reader::new(bytes);
        let spec = Self::read(&mut reader)?;
        reader.finish()?;
        Ok(spec)
    }
}
