//! A program that a test runs beside the host.

use std::process::Child;

/// A program that is killed and reaped when this is dropped, also if the test fails.
#[derive(Debug)]
pub struct Ends(pub Child);

impl Drop for Ends {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
