//! Whether a request was made by the page of another site.
//!
//! A browser sends along what it knows of a server, its password included, whoever's page it is
//! that has it ask. So a request that would change something is refused if the browser says that
//! it comes from elsewhere. Programs that are no browsers say nothing, and are not asked.

use hyper::HeaderMap;
use hyper::header::{HOST, HeaderValue, ORIGIN, REFERER};

/// Whether a browser says that the page of another site is behind this request.
///
/// `Sec-Fetch-Site` tells all, but is left out towards servers that are neither encrypted nor on
/// the same machine; `Origin` comes with every request that is not a mere GET; and `Referer` with
/// each that a page is behind, unless that page has forbidden it.
pub(super) fn is_foreign(headers: &HeaderMap) -> bool {
    let site = headers.get("sec-fetch-site");
    // "none" is a person who typed the address or keeps a bookmark.
    if site.is_some_and(|site| site != "same-origin" && site != "none") {
        return true;
    }
    let own = headers.get(HOST).and_then(|host| host.to_str().ok());
    if let Some(origin) = headers.get(ORIGIN) {
        return !is_own(origin, own);
    }
    // Some proxies empty what they do not want to be told.
    let referer = headers.get(REFERER).filter(|referer| !referer.is_empty());
    site.is_none() && referer.is_some_and(|referer| !is_own(referer, own))
}

/// Whether an origin, or the address of a page, is of the host that was asked.
fn is_own(address: &HeaderValue, own: Option<&str>) -> bool {
    match (address.to_str().ok().and_then(host_of), own) {
        (Some((host, default_port)), Some(own)) => {
            without_port(host, default_port).eq_ignore_ascii_case(without_port(own, default_port))
        }
        // An origin that is not to be told ("null"), or nothing to compare it with.
        (None, _) | (_, None) => false,
    }
}

/// The host in an address, with its port if that is not the scheme's own, and the latter as it
/// would be written.
fn host_of(address: &str) -> Option<(&str, &'static str)> {
    let (scheme, rest) = address.split_once("://")?;
    let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
    match scheme {
        "http" => Some((host, ":80")),
        "https" => Some((host, ":443")),
        _ => None,
    }
}

fn without_port<'a>(host: &'a str, port: &str) -> &'a str {
    host.strip_suffix(port).unwrap_or(host)
}

#[cfg(test)]
mod tests {
    use hyper::header::HeaderName;

    use super::*;

    #[test]
    fn a_request_is_foreign_if_a_browser_says_so() {
        // Host, Sec-Fetch-Site, Origin; "-" is a header that is not there.
        for (host, site, origin, foreign) in [
            ("h:9001", "-", "-", false),
            ("-", "-", "-", false),
            ("h:9001", "same-origin", "-", false),
            ("h:9001", "none", "-", false),
            ("h:9001", "same-site", "-", true),
            ("h:9001", "cross-site", "-", true),
            ("h:9001", "", "-", true),
            ("h:9001", "Same-Origin", "-", true),
            ("h:9001", "cross-site", "http://h:9001", true),
            ("h:9001", "same-origin", "http://h:9001", false),
            ("h:9001", "same-origin", "http://evil", true),
            ("h:9001", "-", "http://h:9001", false),
            ("H:9001", "-", "http://h:9001", false),
            ("h:9001", "-", "https://h:9001", false),
            ("h:9001", "-", "http://h", true),
            ("h:9001", "-", "http://h:9002", true),
            ("h:9001", "-", "http://evil", true),
            ("h:9001", "-", "http://h:9001.evil", true),
            ("h:9001", "-", "http://evil/h:9001", true),
            ("h:9001", "-", "http://evil?h:9001", true),
            ("h:9001", "-", "http://evil#h:9001", true),
            ("h:9001", "-", "http://h:9001@evil", true),
            ("h:9001", "-", "null", true),
            ("h:9001", "-", "", true),
            ("h:9001", "-", "file://", true),
            ("h:9001", "-", "moz-extension://h:9001", true),
            ("-", "-", "http://h:9001", true),
            ("h", "-", "http://h", false),
            ("h:80", "-", "http://h", false),
            ("h", "-", "https://h", false),
            ("h:443", "-", "https://h", false),
            ("h:443", "-", "http://h", true),
            ("[::1]:9001", "-", "http://[::1]:9001", false),
            ("[::1]", "-", "http://[::1]:9001", true),
        ] {
            let headers: HeaderMap = [("host", host), ("sec-fetch-site", site), ("origin", origin)]
                .into_iter()
                .filter(|(_, value)| *value != "-")
                .map(|(name, value)| {
                    let name = HeaderName::from_static(name);
                    (name, HeaderValue::from_static(value))
                })
                .collect();
            assert_eq!(is_foreign(&headers), foreign, "{headers:?}");
        }
    }

    #[test]
    fn the_page_behind_a_request_tells_if_nothing_else_does() {
        // Sec-Fetch-Site, Origin, Referer; "-" is a header that is not there.
        for (site, origin, referer, foreign) in [
            ("-", "-", "http://evil/", true),
            ("-", "-", "http://evil/?http://h:9001/", true),
            ("-", "-", "https://evil", true),
            ("-", "-", "http://h:9002/", true),
            ("-", "-", "about:blank", true),
            ("-", "-", "http://h:9001/", false),
            ("-", "-", "http://H:9001/index.html?message=x", false),
            ("-", "-", "", false),
            ("none", "-", "http://evil/", false),
            ("same-origin", "-", "http://h:9001/", false),
            ("cross-site", "-", "http://h:9001/", true),
            ("-", "http://h:9001", "http://evil/", false),
            ("-", "http://evil", "http://h:9001/", true),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(HOST, HeaderValue::from_static("h:9001"));
            for (name, value) in [
                ("sec-fetch-site", site),
                ("origin", origin),
                ("referer", referer),
            ] {
                if value != "-" {
                    headers.insert(name, HeaderValue::from_static(value));
                }
            }
            assert_eq!(is_foreign(&headers), foreign, "{headers:?}");
        }
    }

    #[test]
    fn what_cannot_be_read_is_foreign() {
        let mut headers = HeaderMap::new();
        headers.insert(HOST, HeaderValue::from_static("h"));
        headers.insert(ORIGIN, HeaderValue::from_bytes(b"http://\xff").unwrap());
        assert!(is_foreign(&headers));
    }
}
