//! The components inside this binary, by name: the targets of `bundled:NAME` in the config.

/// Names and components, in the order in which they are listed for people.
const BUNDLED: &[(&str, &[u8])] = &[
    ("backoff", include_bytes!("../../../../plugins/backoff/backoff.wasm")),
    ("supervisord", include_bytes!("../../../../plugins/supervisord/supervisord.wasm")),
    ("systemd", include_bytes!("../../../../plugins/systemd/systemd.wasm")),
    ("kubernetes", include_bytes!("../../../../plugins/kubernetes/kubernetes.wasm")),
    ("otp", include_bytes!("../../../../plugins/otp/otp.wasm")),
    ("recycler", include_bytes!("../../../../plugins/recycler/recycler.wasm")),
    ("prometheus", include_bytes!("../../../../plugins/prometheus/prometheus.wasm")),
    ("notify", include_bytes!("../../../../plugins/notify/notify.wasm")),
    ("webhook", include_bytes!("../../../../plugins/webhook/webhook.wasm")),
];

/// Returns the names of the bundled components.
#[must_use]
pub fn bundled_names() -> &'static [&'static str] {
    const NAMES: [&str; BUNDLED.len()] = {
        let mut names = [""; BUNDLED.len()];
        let mut at = 0;
        while at < names.len() {
            names[at] = BUNDLED[at].0;
            at += 1;
        }
        names
    };
    &NAMES
}

/// Returns the bundled component called `name`.
pub(crate) fn bytes(name: &str) -> Option<&'static [u8]> {
    BUNDLED.iter().find(|(known, _)| *known == name).map(|(_, bytes)| *bytes)
}
