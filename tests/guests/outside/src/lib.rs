//! A view that reaches outside in every way that can be granted, as its request asks: the tests of grants need one that
//! tries what it may not.

use provost_guest::{Request, Response, StatusView, World, http};

/// Tries. The path of a request says what and its query with what.
#[derive(serde::Deserialize)]
pub struct Outside {}

impl StatusView for Outside {
    fn render(&self, request: &Request, _world: &dyn World) -> Response {
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

    /// Opens `DIR|PATH`: the path within a directory that was granted.
    fn open(goal: &str, open: OpenFlags, mode: DescriptorFlags) -> Result<Descriptor, String> {
        let (dir, path) = goal.split_once('|').ok_or("write DIR|PATH")?;
        let (dir, _) =
            get_directories().into_iter().find(|(_, name)| name == dir).ok_or("it is not granted")?;
        dir.open_at(PathFlags::SYMLINK_FOLLOW, path, open, mode).map_err(said)
    }

    fn said(code: ErrorCode) -> String {
        code.name().to_owned()
    }

    pub(super) fn read(goal: &str) -> Result<String, String> {
        let file = open(goal, OpenFlags::empty(), DescriptorFlags::READ)?;
        let (bytes, _) = file.read(1 << 16, 0).map_err(said)?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }

    pub(super) fn write(goal: &str) -> Result<String, String> {
        let file = open(goal, OpenFlags::CREATE, DescriptorFlags::WRITE)?;
        file.write(b"written", 0).map_err(said)?;
        Ok("written".to_owned())
    }

    /// `DIR|NAME|ASIDE|TARGET`: puts a link to `TARGET` in the place of `NAME`, which is kept as `ASIDE`.
    pub(super) fn replace(goal: &str) -> Result<String, String> {
        let parts: Vec<&str> = goal.split('|').collect();
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
