//! The fields of a request.

/// The fields of an address and of a form, in their order.
pub(super) struct Fields(Vec<(String, String)>);

impl Fields {
    pub(super) fn new(fields: Vec<(String, String)>) -> Self {
        Self(fields)
    }

    /// The last field of this name, unless it is empty: a form comes after its address.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        let found = self
            .0
            .iter()
            .rev()
            .find(|(key, value)| key == name && !value.is_empty());
        found.map(|(_, value)| &**value)
    }

    /// Every field of this name that is not empty.
    pub(super) fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a String> {
        let fields = self
            .0
            .iter()
            .filter(move |(key, value)| key == name && !value.is_empty());
        fields.map(|(_, value)| value)
    }

    /// A number.
    pub(super) fn number<T: std::str::FromStr>(&self, name: &str) -> Option<T> {
        self.get(name)?.parse().ok()
    }

    /// All of them, as they came.
    pub(super) fn pairs(&self) -> &[(String, String)] {
        &self.0
    }

    /// Where to go when all is done: a page of ours, whatever the form says.
    pub(super) fn back(&self) -> String {
        let back = self.get("back").unwrap_or("./");
        let is_ours = [
            "./",
            "./?",
            "process?",
            "events",
            "events?",
            "configuration",
            "daemon",
        ]
        .iter()
        .any(|page| match page.strip_suffix('?') {
            Some(_) => back.starts_with(page),
            None => back == *page,
        });
        let is_plain = back.bytes().all(|byte| byte.is_ascii_graphic());
        if is_ours && is_plain {
            back.to_owned()
        } else {
            "./".to_owned()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_way_back_leads_to_our_own_pages_only() {
        for (back, leads) in [
            ("./", "./"),
            ("./?state=FATAL", "./?state=FATAL"),
            ("process?name=a%3Ab", "process?name=a%3Ab"),
            ("events", "events"),
            ("configuration", "configuration"),
            ("daemon", "daemon"),
            ("configuration/../x", "./"),
            ("https://elsewhere", "./"),
            ("//elsewhere", "./"),
            (".//elsewhere", "./"),
            ("process?x\r\nSet-Cookie: a=b", "./"),
            ("javascript:alert(1)", "./"),
            ("", "./"),
        ] {
            let fields = Fields::new(vec![("back".to_owned(), back.to_owned())]);
            assert_eq!(fields.back(), leads, "{back}");
        }
    }
}
