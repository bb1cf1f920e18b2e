//! The fields of a form, as a page is asked with them.

/// The fields of a request: those of its address and those of its body.
pub(super) struct Form<'a> {
    /// What follows the question mark of the address.
    pub(super) query: &'a str,
    /// The body of a POST. Supervisor takes it for a form whatever it is said to be.
    pub(super) body: &'a [u8],
}

impl Form<'_> {
    /// The field `name`. One that is empty is none.
    ///
    /// The body comes before the address. Of several, Supervisor takes the last one in a body
    /// and the first one in an address.
    pub(super) fn get(&self, name: &str) -> Option<String> {
        fields(self.body, name)
            .last()
            .or_else(|| fields(self.query.as_bytes(), name).next())
    }

    /// Every field, those of the address first, in their order.
    pub(super) fn all(&self) -> Vec<(String, String)> {
        let parts = [self.query.as_bytes(), self.body];
        parts
            .into_iter()
            .flat_map(form_urlencoded::parse)
            .map(|(name, value)| (name.into_owned(), value.into_owned()))
            .collect()
    }
}

fn fields(encoded: &[u8], name: &str) -> impl Iterator<Item = String> {
    form_urlencoded::parse(encoded)
        .filter(move |(key, value)| key == name && !value.is_empty())
        .map(|(_, value)| value.into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_is_found_where_supervisor_finds_it() {
        for (query, body, message) in [
            ("", "", None),
            ("message=hi", "", Some("hi")),
            ("message=a&message=b", "", Some("a")),
            ("message=&message=b", "", Some("b")),
            ("message=a", "message=b&message=c", Some("c")),
            ("message=a", "message=", Some("a")),
            ("message=a", "nothing", Some("a")),
            ("message", "", None),
            ("Message=a", "", None),
            ("me%73sage=a+b%20c", "", Some("a b c")),
            ("message=a;message=b", "", Some("a;message=b")),
            ("message=%ff%C3%A4%", "", Some("\u{fffd}\u{e4}%")),
        ] {
            let body = body.as_bytes();
            let found = Form { query, body }.get("message");
            assert_eq!(found.as_deref(), message, "{query} {body:?}");
        }
    }
}
