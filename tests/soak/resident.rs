//! The resident memory of the host during a run. A single look says little: a client that does not read its logs holds several MiB, and
//! how many there are changes from second to second. So the means of the quarters of the run are compared.

/// The memory in each quarter of a run: the number of looks, and their sum in KiB.
#[derive(Debug, Default)]
pub(crate) struct Resident([(u64, u64); 4]);

impl Resident {
    /// Adds a look, after this share of the run.
    pub(crate) fn add(&mut self, share: f64, kib: u64) {
        let (looks, sum) = &mut self.0[((share * 4.0) as usize).min(3)];
        *looks += 1;
        *sum += kib;
    }

    /// Returns the mean of each quarter, in KiB.
    pub(crate) fn means(&self) -> [u64; 4] {
        self.0.map(|(looks, sum)| sum / looks.max(1))
    }

    /// Returns the means as text.
    pub(crate) fn words(&self) -> String {
        let [first, second, third, last] = self.means();
        format!("on average {first}, {second}, {third}, {last} in the quarters")
    }
}
