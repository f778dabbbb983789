//! A view that reaches outside in every way that can be granted, as its request asks, also without the grant: for the
//! tests of grants. It also asks the outside each question of [`CASES`], for the test that compares the stand-ins of the SDK with the host.

mod cases;

pub use cases::CASES;

use provost_guest::{Request, Response, StatusView, World, http};

/// Tries what a request asks for: the path is the action, and the query its argument.
#[derive(serde::Deserialize)]
pub struct Outside {}

impl StatusView for Outside {
    fn render(&self, request: &Request, _world: &dyn World) -> Response {
        if let Some(name) = request.path.strip_prefix("case/") {
            let answer = cases::answer(name, &request.query);
            return Response::of("text/plain", answer.unwrap_or_else(|| "there is no such case".to_owned()));
        }
        let answer = attempt(&request.path, &request.query);
        Response::of("text/plain", answer.unwrap_or_else(|error| format!("error: {error}")))
    }
}

#[cfg(target_arch = "wasm32")]
fn attempt(what: &str, with: &str) -> Result<String, String> {
    match what {
        "read" => files::read(with),
        "write" => files::write(with),
        "replace" => files::replace(with),
        "resize" => files::resize(with),
        "fill" | "stream" | "append" | "ghost" => files::fill(what, with),
        "many" => files::many(with),
        "env" => Ok(format!("{:?}", provost_guest::env::var(with))),
        "now" => Ok(wasip2::clocks::wall_clock::now().seconds.to_string()),
        "wait" => {
            let ns = with.parse::<u64>().map_err(|error| error.to_string())? * 1_000_000;
            wasip2::clocks::monotonic_clock::subscribe_duration(ns).block();
            Ok("waited".to_owned())
        }
        "random" => Ok(wasip2::random::random::get_random_u64().to_string()),
        "get" => get(with),
        "say" => say(with),
        "exit" => {
            wasip2::cli::exit::exit(Err(()));
            Ok("still here".to_owned())
        }
        _ => Ok("nothing".to_owned()),
    }
}

#[cfg(not(target_arch = "wasm32"))]
fn attempt(_what: &str, with: &str) -> Result<String, String> {
    get(with)
}

fn get(url: &str) -> Result<String, String> {
    let response = http::Request::get(url).send().map_err(|error| error.to_string())?;
    Ok(format!("{}: {}", response.status, String::from_utf8_lossy(&response.body)))
}

#[cfg(target_arch = "wasm32")]
fn say(text: &str) -> Result<String, String> {
    let err = wasip2::cli::stderr::get_stderr();
    err.blocking_write_and_flush(format!("{text}\n").as_bytes()).map_err(|error| error.to_string())?;
    Ok("said".to_owned())
}

#[cfg(target_arch = "wasm32")]
mod files {
    use wasip2::filesystem::preopens::get_directories;
    use wasip2::filesystem::types::{Descriptor, DescriptorFlags, ErrorCode, OpenFlags, PathFlags};

    /// Opens `DIR|PATH`: a path within a granted directory.
    fn open(operand: &str, open: OpenFlags, mode: DescriptorFlags) -> Result<Descriptor, String> {
        let (dir, path) = operand.split_once('|').ok_or("write DIR|PATH")?;
        let (dir, _) =
            get_directories().into_iter().find(|(_, name)| name == dir).ok_or("it is not granted")?;
        dir.open_at(PathFlags::SYMLINK_FOLLOW, path, open, mode).map_err(said)
    }

    fn said(code: ErrorCode) -> String {
        code.name().to_owned()
    }

    pub(super) fn read(operand: &str) -> Result<String, String> {
        let file = open(operand, OpenFlags::empty(), DescriptorFlags::READ)?;
        let (bytes, _) = file.read(1 << 16, 0).map_err(said)?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }

    pub(super) fn write(operand: &str) -> Result<String, String> {
        let file = open(operand, OpenFlags::CREATE, DescriptorFlags::WRITE)?;
        file.write(b"written", 0).map_err(said)?;
        Ok("written".to_owned())
    }

    /// Sets the size of a file: `DIR|PATH|BYTES`.
    pub(super) fn resize(operand: &str) -> Result<String, String> {
        let (operand, size) = operand.rsplit_once('|').ok_or("write DIR|PATH|BYTES")?;
        let file = open(operand, OpenFlags::CREATE, DescriptorFlags::WRITE)?;
        let size = size.parse().map_err(|_| "write BYTES")?;
        file.set_size(size).map_err(said)?;
        Ok("resized".to_owned())
    }

    /// Writes a number of bytes from an offset on, 4 KiB at a time: `DIR|PATH|OFFSET|BYTES`. It writes directly (`fill`),
    /// through a stream (`stream`), through an appending stream (`append`), or directly into a file that is removed as
    /// soon as it is open (`ghost`).
    pub(super) fn fill(how: &str, operand: &str) -> Result<String, String> {
        let parts: Vec<&str> = operand.split('|').collect();
        let [dir, path, offset, bytes] = parts[..] else {
            return Err("write DIR|PATH|OFFSET|BYTES".to_owned());
        };
        let offset: u64 = offset.parse().map_err(|_| "write OFFSET")?;
        let bytes: u64 = bytes.parse().map_err(|_| "write BYTES")?;
        let file = open(&format!("{dir}|{path}"), OpenFlags::CREATE, DescriptorFlags::WRITE)?;
        if how == "ghost" {
            let (dir, _) =
                get_directories().into_iter().find(|(_, known)| known == dir).ok_or("it is not granted")?;
            dir.unlink_file_at(path).map_err(said)?;
        }
        let stream = match how {
            "stream" => Some(file.write_via_stream(offset).map_err(said)?),
            "append" => Some(file.append_via_stream().map_err(said)?),
            _ => None,
        };
        let part = [b'x'; 4096];
        let mut written = 0;
        while written < bytes {
            let done = match &stream {
                Some(stream) => stream.blocking_write_and_flush(&part).map_err(|error| error.to_string()),
                None => file.write(&part, offset + written).map(drop).map_err(said),
            };
            if let Err(error) = done {
                return Err(format!("after {written}: {error}"));
            }
            written += part.len() as u64;
        }
        Ok(format!("wrote {written}"))
    }

    /// Creates a number of empty files: `DIR|NAME|COUNT`.
    pub(super) fn many(operand: &str) -> Result<String, String> {
        let (operand, count) = operand.rsplit_once('|').ok_or("write DIR|NAME|COUNT")?;
        let count: u32 = count.parse().map_err(|_| "write COUNT")?;
        for made in 0..count {
            open(&format!("{operand}{made}"), OpenFlags::CREATE, DescriptorFlags::WRITE)
                .map_err(|error| format!("after {made}: {error}"))?;
        }
        Ok(format!("made {count}"))
    }

    /// Renames `NAME` to `ASIDE` and puts a link to `TARGET` in its place: `DIR|NAME|ASIDE|TARGET`.
    pub(super) fn replace(operand: &str) -> Result<String, String> {
        let parts: Vec<&str> = operand.split('|').collect();
        let [dir, name, aside, target] = parts[..] else {
            return Err("write DIR|NAME|ASIDE|TARGET".to_owned());
        };
        let (dir, _) =
            get_directories().into_iter().find(|(_, known)| known == dir).ok_or("it is not granted")?;
        dir.rename_at(name, &dir, aside).map_err(said)?;
        dir.symlink_at(target, name).map_err(said)?;
        Ok("replaced".to_owned())
    }
}

provost_guest::export!(Outside: StatusView);
