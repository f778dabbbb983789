//! Where a plugin may send requests: the host and the port of the grants `http-out:` and `http-out-private:`, each in
//! one canonical form, and the addresses that the name of a host may resolve to.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

const FORM: &str =
    "write one host and its port, such as http-out:hooks.example.org:443 or http-out:[2001:db8::7]:443";

/// The longest name of a host and the longest label in one, in bytes (RFC 1035, section 2.3.4).
const NAME_BYTES_MAX: usize = 253;
const LABEL_BYTES_MAX: usize = 63;

/// A host in a request or a grant.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum HttpHost {
    /// A name, in lower case and without a dot at its end.
    Name(String),
    /// An address.
    Address(IpAddr),
}

/// The addresses that a grant allows for the name of a host, the wider scope last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Scope {
    /// Addresses of the public internet.
    Public,
    /// Any address, those of this machine and of private networks included.
    Any,
}

/// A host and a port that requests may go to.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Destination {
    /// The host.
    pub host: HttpHost,
    /// The port; never 0.
    pub port: u16,
    /// The addresses that the name of the host may resolve to. An address always means itself.
    pub scope: Scope,
}

impl HttpHost {
    /// Parses a host as in a URL: a name, an IPv4 address, or an IPv6 address in brackets.
    ///
    /// # Errors
    /// The reason why it is not a valid host.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        if let Some(inner) = text.strip_prefix('[') {
            let inner = inner.strip_suffix(']').ok_or("an IPv6 address must be in brackets")?;
            let address = inner.parse::<Ipv6Addr>();
            return address
                .map(|address| Self::Address(address.into()))
                .map_err(|_| format!("`{}` is not an IPv6 address", provost_state::naming::shown(inner)));
        }
        if let Ok(address) = text.parse::<Ipv4Addr>() {
            return Ok(Self::Address(address.into()));
        }
        if text.parse::<Ipv6Addr>().is_ok() {
            return Err(format!("an IPv6 address must be in brackets: [{text}]"));
        }
        Self::name(text)
    }

    fn name(text: &str) -> Result<Self, String> {
        let name = text.strip_suffix('.').unwrap_or(text).to_ascii_lowercase();
        if !name.is_ascii() {
            return Err("write a name that is not ASCII in its ASCII form, which begins with xn--".to_owned());
        }
        if name.is_empty() || name.len() > NAME_BYTES_MAX || !name.split('.').all(is_label) {
            return Err(FORM.to_owned());
        }
        // Resolvers take such a name for an address in an old form: 127.1, 0x7f000001, 2130706433.
        let last = name.rsplit('.').next().unwrap_or_default();
        if last.bytes().all(|byte| byte.is_ascii_digit()) || last.starts_with("0x") {
            return Err("write an IPv4 address as four decimal numbers, such as 192.0.2.7".to_owned());
        }
        Ok(Self::Name(name))
    }

    /// Whether this name can only mean this machine (RFC 6761, section 6.3).
    pub(crate) fn is_localhost(&self) -> bool {
        matches!(self, Self::Name(name) if name == "localhost" || name.ends_with(".localhost"))
    }
}

fn is_label(label: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    (1..=LABEL_BYTES_MAX).contains(&label.len())
        && label.bytes().all(fits)
        && !label.starts_with('-')
        && !label.ends_with('-')
}

impl Destination {
    /// Parses the text after `http-out:` or `http-out-private:`.
    pub(super) fn parse(text: &str, scope: Scope) -> Result<Self, String> {
        let (host, port) = text.rsplit_once(':').ok_or(FORM)?;
        // Rust would accept a `+` before a number.
        let port = Some(port).filter(|port| port.bytes().all(|byte| byte.is_ascii_digit()));
        let port = port.and_then(|port| port.parse::<u16>().ok()).filter(|port| *port > 0);
        let port = port.ok_or("write its port, a number from 1 to 65535")?;
        if host.contains(':') && !host.starts_with('[') && host.parse::<Ipv6Addr>().is_err() {
            return Err(FORM.to_owned());
        }
        let host = HttpHost::parse(host)?;
        match &host {
            HttpHost::Address(address) if address.is_unspecified() || address.is_multicast() => {
                Err(format!("no request goes to {address}: write the address of one host"))
            }
            HttpHost::Address(IpAddr::V4(Ipv4Addr::BROADCAST)) => {
                Err("no request goes to 255.255.255.255: write the address of one host".to_owned())
            }
            HttpHost::Address(_) if scope == Scope::Any => {
                Err("http-out-private is for names, not for addresses: write http-out".to_owned())
            }
            _ => Ok(Self { host, port, scope }),
        }
    }

    /// Whether requests to `host` may be connected to `address`.
    pub(crate) fn leads_to(host: &HttpHost, scope: Scope, address: IpAddr) -> bool {
        match host {
            HttpHost::Address(granted) => *granted == address,
            HttpHost::Name(_) => {
                scope == Scope::Any || is_public(address) || (host.is_localhost() && address.is_loopback())
            }
        }
    }
}

/// Whether an address is on the public internet, and so neither on this machine nor on a network around it. Addresses
/// in IANA's special-purpose registries (RFC 6890) are not, even those that would be reachable.
fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => {
            let [first, second, third, ..] = address.segments();
            let [.., high, low] = address.segments();
            let within = |high: u16, low: u16| {
                is_public_v4(Ipv4Addr::from_bits(u32::from(high) << 16 | u32::from(low)))
            };
            match (first, second) {
                // An IPv4 address behind NAT64 (RFC 6052) or in 6to4 (RFC 3056).
                (0x64, 0xff9b) if address.segments()[2..6] == [0; 4] => within(high, low),
                (0x2002, _) => within(second, third),
                // Protocol assignments, including Teredo, and documentation.
                (0x2001, 0..=0x1ff | 0xdb8) | (0x3fff, 0..=0xfff) => false,
                _ => match address.to_ipv4_mapped() {
                    Some(mapped) => is_public_v4(mapped),
                    // All assigned global unicast addresses are in 2000::/3.
                    None => first & 0xe000 == 0x2000,
                },
            }
        }
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let is_special = matches!(
        address.octets(),
        [0 | 10 | 127 | 224.., ..]
            | [100, 64..=127, ..]
            | [169, 254, ..]
            | [172, 16..=31, ..]
            | [192, 168, ..]
            | [192, 0, 0 | 2, _]
            | [198, 18 | 19, ..]
            | [198, 51, 100, _]
            | [203, 0, 113, _]
    );
    !is_special
}

impl fmt::Display for HttpHost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(name) => f.write_str(name),
            Self::Address(IpAddr::V4(address)) => write!(f, "{address}"),
            Self::Address(IpAddr::V6(address)) => write!(f, "[{address}]"),
        }
    }
}

impl fmt::Display for Destination {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match self.scope {
            Scope::Public => "http-out",
            Scope::Any => "http-out-private",
        };
        write!(f, "{kind}:{}:{}", self.host, self.port)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn leads(host: &str, scope: Scope, address: &str) -> bool {
        Destination::leads_to(&HttpHost::parse(host).unwrap(), scope, address.parse().unwrap())
    }

    #[test]
    fn a_destination_has_one_canonical_form() {
        for (said, meant) in [
            ("Hooks.Example.ORG:443", "http-out:hooks.example.org:443"),
            ("example.org.:0080", "http-out:example.org:80"),
            ("[0:0:0:0:0:0:0:1]:80", "http-out:[::1]:80"),
            ("[2001:DB8::0:7]:80", "http-out:[2001:db8::7]:80"),
            ("127.0.0.1:1", "http-out:127.0.0.1:1"),
            ("_sip-x.a_b:5", "http-out:_sip-x.a_b:5"),
        ] {
            assert_eq!(Destination::parse(said, Scope::Public).unwrap().to_string(), meant);
        }
    }

    #[test]
    fn an_impossible_destination_is_refused_with_the_reason() {
        let long = format!("{}.org:80", "a".repeat(64));
        for (said, why) in [
            ("example.org", "one host and its port"),
            ("example.org:", "a number from 1 to 65535"),
            ("example.org:0", "a number from 1 to 65535"),
            ("example.org:65536", "a number from 1 to 65535"),
            ("example.org:+80", "a number from 1 to 65535"),
            (":80", "one host and its port"),
            (".:80", "one host and its port"),
            ("[nonsense]:80", "`nonsense` is not an IPv6 address"),
            ("[::1%eth0]:80", "`::1%eth0` is not an IPv6 address"),
            ("[127.0.0.1]:80", "is not an IPv6 address"),
            ("[]:80", "is not an IPv6 address"),
            ("[::1:80", "must be in brackets"),
            ("::1:80", "must be in brackets: [::1]"),
            ("a:b:80", "one host and its port"),
            ("https://example.org:443", "one host and its port"),
            ("user@example.org:443", "one host and its port"),
            ("*.example.org:443", "one host and its port"),
            ("a..b:80", "one host and its port"),
            ("-a.org:80", "one host and its port"),
            ("a b:80", "one host and its port"),
            ("bücher.example:80", "begins with xn--"),
            (&long, "one host and its port"),
            ("127.1:80", "four decimal numbers"),
            ("2130706433:80", "four decimal numbers"),
            ("0x7f000001:80", "four decimal numbers"),
            ("1.2.3.256:80", "four decimal numbers"),
            ("0.0.0.0:80", "no request goes to 0.0.0.0"),
            ("[::]:80", "no request goes to ::"),
            ("224.0.0.1:80", "no request goes to"),
            ("255.255.255.255:80", "no request goes to"),
        ] {
            let problem = Destination::parse(said, Scope::Public).unwrap_err();
            assert!(problem.contains(why), "{said}: {problem}");
        }
        let problem = Destination::parse("127.0.0.1:80", Scope::Any).unwrap_err();
        assert_eq!(problem, "http-out-private is for names, not for addresses: write http-out");
    }

    #[test]
    fn a_name_leads_to_public_addresses_alone_unless_it_is_granted_as_private() {
        for private in [
            "127.0.0.1",
            "127.9.9.9",
            "0.0.0.0",
            "10.1.2.3",
            "100.64.0.1",
            "169.254.169.254",
            "172.16.0.1",
            "172.31.255.255",
            "192.0.0.8",
            "192.168.0.1",
            "198.18.0.1",
            "224.0.0.1",
            "240.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::ffff:127.0.0.1",
            "::ffff:10.0.0.1",
            "::127.0.0.1",
            "64:ff9b::7f00:1",
            "64:ff9b:1::1",
            "2002:7f00:1::",
            "2001::1",
            "fc00::1",
            "fd12::1",
            "fe80::1",
            "fec0::1",
            "ff02::1",
            "2001:db8::1",
        ] {
            assert!(!leads("example.org", Scope::Public, private), "{private}");
            assert!(leads("example.org", Scope::Any, private), "{private}");
        }
        for public in [
            "1.1.1.1",
            "100.63.0.1",
            "100.128.0.1",
            "172.15.0.1",
            "172.32.0.1",
            "192.0.1.1",
            "198.17.0.1",
            "223.255.255.254",
            "2606:4700::1111",
            "::ffff:1.1.1.1",
            "64:ff9b::101:101",
            "2002:101:101::",
            "2001:200::1",
        ] {
            assert!(leads("example.org", Scope::Public, public), "{public}");
        }
    }

    #[test]
    fn localhost_leads_to_this_machine_alone_and_an_address_to_itself() {
        for host in ["localhost", "LOCALHOST.", "app.localhost"] {
            assert!(leads(host, Scope::Public, "127.0.0.1") && leads(host, Scope::Public, "::1"), "{host}");
            assert!(!leads(host, Scope::Public, "10.0.0.1"), "{host}");
        }
        assert!(!leads("notlocalhost", Scope::Public, "127.0.0.1"));
        assert!(
            leads("10.0.0.1", Scope::Public, "10.0.0.1") && !leads("10.0.0.1", Scope::Public, "10.0.0.2")
        );
    }
}
