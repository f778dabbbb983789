//! A restart policy that misbehaves on purpose: it imports `wasi:sockets`, which is not granted.

use provost_guest::{Decision, Ended, RestartPolicy, World};

/// The bindings of the network interface.
#[expect(missing_docs, reason = "generated from a part of wasi:sockets")]
pub mod wasi {
    wit_bindgen::generate!({ path: "wit", world: "network-user", generate_all });
}

/// Opens the network before it answers.
#[derive(serde::Deserialize)]
pub struct Sockets {}

impl RestartPolicy for Sockets {
    fn on_exit(&self, _ended: &Ended, _world: &dyn World) -> Decision {
        let _network = wasi::wasi::sockets::instance_network::instance_network();
        Decision::restart(0, "the network was reached")
    }
}

provost_guest::export!(Sockets: RestartPolicy);
