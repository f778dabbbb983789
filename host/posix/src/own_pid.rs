//! Variables whose value is the process id of the child. Nobody knows it before the fork, so the child writes it into its own copy
//! of the text, between fork and exec.

#![expect(
    unsafe_code,
    reason = "the child of a fork writes into memory that its parent shares with nobody; proved below"
)]

use std::cell::UnsafeCell;

/// The length of a text: a name of up to 20 bytes, `=`, ten digits and a zero.
const TEXT_LEN: usize = 32;

/// The longest name in bytes.
const NAME_LEN_MAX: usize = 20;

/// A variable whose value is the process id of the child.
#[derive(Debug)]
pub struct PidVariable {
    text: UnsafeCell<[u8; TEXT_LEN]>,
    /// Where the value begins.
    value_at: usize,
}

impl PidVariable {
    /// Returns a variable of this name; `None` if the name is empty or has more than 20 bytes.
    #[must_use]
    pub fn new(name: &[u8]) -> Option<Self> {
        if name.is_empty() || name.len() > NAME_LEN_MAX {
            return None;
        }
        let mut text = [0; TEXT_LEN];
        for (place, byte) in text.iter_mut().zip(name.iter().chain(b"=")) {
            *place = *byte;
        }
        Some(Self { text: UnsafeCell::new(text), value_at: name.len() + 1 })
    }

    /// Returns the text, which ends with a zero.
    pub(crate) fn as_ptr(&self) -> *const libc::c_char {
        self.text.get().cast_const().cast()
    }

    /// Writes the value. It neither allocates nor calls anything.
    ///
    /// # Safety
    /// Nothing else may use the text meanwhile: no other thread, and no reference to it.
    pub(crate) unsafe fn fill(&self, pid: u32) {
        let mut digits = [0_u8; 10];
        let (mut rest, mut first) = (pid, digits.len());
        loop {
            first -= 1;
            if let (Some(digit), Ok(value)) = (digits.get_mut(first), u8::try_from(rest % 10)) {
                *digit = b'0' + value;
            }
            rest /= 10;
            if rest == 0 || first == 0 {
                break;
            }
        }
        // SAFETY: the promise of the caller.
        let text = unsafe { &mut *self.text.get() };
        let places = text.iter_mut().skip(self.value_at);
        for (place, digit) in places.zip(digits.iter().skip(first).chain(&[0])) {
            *place = *digit;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::ffi::CStr;

    use super::*;

    #[test]
    fn the_value_is_the_number_in_decimal() {
        assert!(PidVariable::new(b"").is_none() && PidVariable::new(&[b'N'; 21]).is_none());
        let variable = PidVariable::new(&[b'N'; 20]).unwrap();
        for pid in [4_194_304, 7, u32::MAX, 0] {
            // SAFETY: there is one thread and no reference; the text ends with a zero.
            let text = unsafe {
                variable.fill(pid);
                CStr::from_ptr(variable.as_ptr())
            };
            assert_eq!(text.to_str().unwrap(), format!("{}={pid}", "N".repeat(20)));
        }
    }
}
