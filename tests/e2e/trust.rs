//! Trust in plugins: pinned digests, keys and signatures, from the command that makes a key to the host that requires it.

use provost_tests::{Setup, guest};

use crate::PROVOST;

const SIGNED_ONLY: &str = "[plugins]\nrequire_signature = true\nkeys = [\"ops.pub\"]\n[plugins.judge]\ncomponent = \"judge.wasm\"\n\
    settings = {}\n[process.bystander]\ncommand = \"exec sleep 1000\"\npolicies = [\"judge\"]\n";

/// Makes a setup with a component and the keys of `ops` in its directory.
fn with_keys(config: &str) -> Setup {
    let setup = Setup::new(PROVOST, config);
    std::fs::copy(guest("moody"), setup.dir().join("judge.wasm")).unwrap();
    let made = setup.run(&["plugin", "keygen", "ops"]);
    assert_eq!(made.code, 0, "{made:?}");
    setup
}

#[test]
fn an_unsigned_component_is_refused_until_it_is_signed_and_again_when_it_is_altered() {
    let setup = with_keys(SIGNED_ONLY);
    let unsigned = setup.run(&["validate"]);
    assert_eq!(unsigned.code, 2, "{unsigned:?}");
    assert!(unsigned.stderr.contains("is not signed: there is no"), "{unsigned:?}");
    let signed = setup.run(&["plugin", "sign", "judge.wasm", "--key", "ops.key"]);
    assert_eq!(signed.code, 0, "{signed:?}");
    let verified = setup.run(&["plugin", "verify", "judge.wasm", "--key", "ops.pub"]);
    assert!(verified.stdout.contains("signed with the key of ops"), "{verified:?}");
    let host = setup.up();
    let judge = &host.plugins()[0];
    assert_eq!((&judge["status"], &judge["signed_by"]), (&"active".into(), &"ops".into()));

    // An unsigned component cannot be swapped in either.
    let other = guest("absurd").display().to_string();
    let refused = host.run(&["plugin", "swap", "judge", &other]);
    assert_eq!(refused.code, 1, "{refused:?}");
    assert!(refused.stderr.contains("is not signed"), "{refused:?}");
    std::fs::copy(guest("absurd"), host.setup().dir().join("judge.wasm")).unwrap();
    let altered = host.run(&["plugin", "reload", "judge"]);
    assert!(altered.stderr.contains("is not what ops has signed"), "{altered:?}");
    assert_eq!(host.plugins()[0]["version"], 1);
    host.down();
}

#[test]
fn key_files_keep_the_given_name_and_are_never_overwritten() {
    let setup = Setup::new(PROVOST, "");
    let made = setup.run(&["plugin", "keygen", "release-1.2"]);
    assert!(
        made.stdout.contains("release-1.2.key: ") && made.stdout.contains("release-1.2.pub: "),
        "{made:?}"
    );
    let key = std::fs::read(setup.dir().join("release-1.2.key")).unwrap();
    for name in ["release-1.2", "new/"] {
        let refused = setup.run(&["plugin", "keygen", name]);
        assert!(refused.code == 1 && refused.stderr.contains("hint: "), "{refused:?}");
    }
    assert_eq!(std::fs::read(setup.dir().join("release-1.2.key")).unwrap(), key);
    assert_eq!(std::fs::read_dir(setup.dir()).unwrap().count(), 3, "the config and the two keys");
}

#[test]
fn a_component_with_another_digest_than_its_pin_is_refused() {
    let config = |pin: &str| {
        format!(
            "[plugins.judge]\ncomponent = {:?}\nsha256 = \"{pin}\"\n[process.bystander]\ncommand = \"true\"\n",
            guest("moody")
        )
    };
    let wrong = Setup::new(PROVOST, &config(&"0".repeat(64))).run(&["validate"]);
    assert_eq!(wrong.code, 2, "{wrong:?}");
    let digest = wrong.stderr.split("its SHA-256 is ").nth(1).unwrap().split(' ').next().unwrap().to_owned();
    let right = Setup::new(PROVOST, &config(&digest)).run(&["validate"]);
    assert_eq!(right.code, 0, "{right:?}");
}

#[test]
fn missing_and_malformed_keys_are_reported() {
    let without = SIGNED_ONLY.replace("keys = [\"ops.pub\"]\n", "");
    let missing = with_keys(&without).run(&["validate"]);
    assert_eq!(missing.code, 2, "{missing:?}");
    assert!(missing.stderr.contains("there are no `keys`"), "{missing:?}");
    let mixed = with_keys(&SIGNED_ONLY.replace("ops.pub", "ops.key")).run(&["validate"]);
    assert!(
        mixed.stderr.contains("provost.toml:3:") && mixed.stderr.contains("is not a minisign public key"),
        "{mixed:?}"
    );
}

#[test]
fn a_bundled_component_needs_no_signature() {
    let host = with_keys(&SIGNED_ONLY.replace("judge.wasm", "bundled:backoff")).up();
    assert_eq!(host.plugins()[0]["signed_by"], "this host");
    host.down();
}
