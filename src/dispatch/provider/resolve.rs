//! Which addresses are this organisation's own, and name resolution that gives out no other. A name such as
//! `llm.internal` is only a promise; the address that it leads to at the moment of the call decides.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use thiserror::Error;
use url::Host;

/// Loopback, private (RFC 1918), link-local (RFC 3927, RFC 4291) and unique local (RFC 4193) addresses.
pub(crate) fn is_own_address(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => is_own_v4(v4),
        IpAddr::V6(v6) => v6.to_ipv4_mapped().map_or_else(|| is_own_v6(v6), is_own_v4),
    }
}

fn is_own_v4(address: Ipv4Addr) -> bool {
    address.is_loopback() || address.is_private() || address.is_link_local()
}

fn is_own_v6(address: Ipv6Addr) -> bool {
    address.is_loopback() || address.is_unique_local() || address.is_unicast_link_local()
}

/// Whether a host, as written in the configuration, may be local without an opt-in: an own address, `localhost`, a
/// name under `.internal` (reserved by ICANN for private use) or `.local` (RFC 6762), or a name without a dot, as
/// container networks give them. Names are held to it again when they are resolved.
pub(crate) fn may_be_own(host: &Host<&str>) -> bool {
    match host {
        Host::Ipv4(v4) => is_own_v4(*v4),
        Host::Ipv6(v6) => is_own_address(IpAddr::V6(*v6)),
        Host::Domain(name) => {
            let name = name.trim_end_matches('.').to_ascii_lowercase();
            !name.contains('.')
                || [".internal", ".local", ".localhost"].into_iter().any(|suffix| name.ends_with(suffix))
        }
    }
}

/// Whether a host is this machine itself.
pub(crate) fn is_loopback(host: &Host<&str>) -> bool {
    match host {
        Host::Ipv4(v4) => v4.is_loopback(),
        Host::Ipv6(v6) => v6.is_loopback() || v6.to_ipv4_mapped().is_some_and(|v4| v4.is_loopback()),
        Host::Domain(name) => {
            let name = name.trim_end_matches('.').to_ascii_lowercase();
            name == "localhost" || name.ends_with(".localhost")
        }
    }
}

/// A name led to no address of this organisation's own.
#[derive(Clone, Copy, Debug, Error)]
#[error("the name leads to public addresses only")]
pub(super) struct OnlyPublic;

/// Resolves a name by the system, and keeps only own addresses.
pub(super) struct OwnAddressesOnly;

impl Resolve for OwnAddressesOnly {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move {
            let found: Vec<SocketAddr> = tokio::net::lookup_host((name.as_str(), 0)).await?.collect();
            Ok(keep_own(found)?)
        })
    }
}

fn keep_own(found: Vec<SocketAddr>) -> Result<Addrs, OnlyPublic> {
    let own: Vec<_> = found.into_iter().filter(|address| is_own_address(address.ip())).collect();
    if own.is_empty() { Err(OnlyPublic) } else { Ok(Box::new(own.into_iter())) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn own(url: &str) -> bool {
        may_be_own(&url::Url::parse(url).unwrap().host().unwrap())
    }

    #[test]
    fn own_hosts() {
        for url in [
            "http://127.0.0.1:11434",
            "http://127.8.9.1",
            "http://2130706433",
            "http://[::1]:80",
            "http://[::ffff:10.0.0.1]",
            "http://10.1.2.3",
            "http://172.16.0.1",
            "http://172.31.255.255",
            "http://192.168.0.1",
            "http://169.254.1.1",
            "http://[fd00::1]",
            "http://[fe80::1]",
            "http://localhost",
            "http://LLM.Internal",
            "http://llm.svc.cluster.local.",
            "http://ollama",
        ] {
            assert!(own(url), "{url}");
        }
        for url in [
            "http://8.8.8.8",
            "http://172.32.0.1",
            "http://172.15.0.1",
            "http://100.64.0.1",
            "http://0.0.0.0",
            "http://[2001:db8::1]",
            "http://[::ffff:8.8.8.8]",
            "http://internal.example.com",
            "http://notinternal.com",
            "http://x.localhost.example",
        ] {
            assert!(!own(url), "{url}");
        }
    }

    #[test]
    fn resolution_keeps_own_addresses_only() {
        let at = |text: &str| text.parse::<SocketAddr>().unwrap();
        let kept: Vec<_> = keep_own(vec![at("8.8.8.8:0"), at("10.0.0.1:0"), at("[2606:4700::1]:0")]).unwrap().collect();
        assert_eq!(kept, [at("10.0.0.1:0")]);
        assert!(keep_own(vec![at("8.8.8.8:0")]).is_err());
        assert!(keep_own(Vec::new()).is_err());
    }
}
