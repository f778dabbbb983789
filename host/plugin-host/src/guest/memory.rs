//! The host's side of `memory`: reads and writes the transaction of the call.

use crate::memory::Refused;

use super::bindings::memory::{Host, Refusal};
use super::convert;
use super::instance::Guest;

impl From<Refused> for Refusal {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::KeyLength { bytes_max } => Self::KeyLength(convert::count(bytes_max)),
            Refused::Full { bytes_max } => Self::Full(bytes_max as u64),
        }
    }
}

impl Host for Guest {
    fn get(&mut self, key: String) -> Option<Vec<u8>> {
        let (memory, transaction, _) = self.memory();
        transaction.get(memory, &key)
    }

    fn set(&mut self, key: String, value: Vec<u8>) -> Result<(), Refusal> {
        let (memory, transaction, limits) = self.memory();
        transaction.set(memory, limits, key, value).map_err(Refusal::from)
    }

    fn delete(&mut self, key: String) {
        let (memory, transaction, _) = self.memory();
        transaction.delete(memory, key);
    }

    fn keys(&mut self) -> Vec<String> {
        let (memory, transaction, _) = self.memory();
        transaction.keys(memory)
    }
}
