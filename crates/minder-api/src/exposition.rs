//! Metrics as text, for Prometheus and what speaks its language.
//!
//! Two formats: that of Prometheus (0.0.4), and `OpenMetrics` (1.0) for who asks for it. They differ
//! in how a counter is announced, and in the last line.

use std::fmt::{Display, Write as _};

/// Which format.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// That of Prometheus.
    Prometheus,
    /// `OpenMetrics`.
    OpenMetrics,
}

impl Format {
    /// The one that a client prefers that says this in `Accept`.
    #[must_use]
    pub fn accepted(accept: Option<&str>) -> Self {
        let wants = |accept: &str| accept.contains("application/openmetrics-text");
        if accept.is_some_and(wants) {
            Self::OpenMetrics
        } else {
            Self::Prometheus
        }
    }

    /// Its type.
    #[must_use]
    pub fn content_type(self) -> &'static str {
        match self {
            Self::Prometheus => "text/plain; version=0.0.4; charset=utf-8",
            Self::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
        }
    }
}

/// What sort of thing a metric is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Counts up. Its samples end in `_total`, which its name leaves out.
    Counter,
    /// Is as it is.
    Gauge,
    /// Says something in its labels, and is 1. Its samples end in `_info`, which its name leaves out.
    Info,
}

impl Family {
    /// The name of its samples.
    #[must_use]
    pub fn full_name(&self) -> String {
        format!("{}{}", self.name, self.kind.suffix())
    }
}

impl Kind {
    fn suffix(self) -> &'static str {
        match self {
            Self::Counter => "_total",
            Self::Info => "_info",
            Self::Gauge => "",
        }
    }
}

/// A metric that is told, and what it means.
#[derive(Clone, Copy, Debug)]
pub struct Family {
    /// Its name, without the ending that its kind gives it.
    pub name: &'static str,
    /// What sort of thing it is.
    pub kind: Kind,
    /// What it means, for people.
    pub help: &'static str,
}

/// Metrics, as they are being written down.
pub struct Exposition {
    format: Format,
    text: String,
}

/// Names and values, in order.
pub type Labels<'a> = &'a [(&'a str, &'a str)];

impl Exposition {
    /// None yet.
    #[must_use]
    pub fn new(format: Format) -> Self {
        Self {
            format,
            text: String::new(),
        }
    }

    /// Announces a metric, whose samples follow.
    pub fn family(&mut self, family: &Family) -> Samples<'_> {
        let Family { name, kind, help } = family;
        let open = self.format == Format::OpenMetrics;
        let suffix = kind.suffix();
        let announced = if open { "" } else { suffix };
        let kind = match kind {
            Kind::Counter => "counter",
            Kind::Info if open => "info",
            Kind::Gauge | Kind::Info => "gauge",
        };
        let help = Escaped {
            text: help,
            quotes: open,
        };
        self.put(format_args!("# HELP {name}{announced} {help}\n"));
        self.put(format_args!("# TYPE {name}{announced} {kind}\n"));
        Samples {
            exposition: self,
            name,
            suffix,
        }
    }

    /// All of it.
    #[must_use]
    pub fn finish(mut self) -> Vec<u8> {
        if self.format == Format::OpenMetrics {
            self.text.push_str("# EOF\n");
        }
        self.text.into_bytes()
    }

    fn put(&mut self, text: std::fmt::Arguments<'_>) {
        // Writing to a string cannot fail.
        let _ = self.text.write_fmt(text);
    }
}

/// The samples of one metric.
pub struct Samples<'a> {
    exposition: &'a mut Exposition,
    name: &'static str,
    suffix: &'static str,
}

impl Samples<'_> {
    /// Adds a sample.
    pub fn sample(&mut self, labels: Labels<'_>, value: impl Display) {
        let (name, suffix) = (self.name, self.suffix);
        self.exposition.put(format_args!("{name}{suffix}"));
        for (number, (label, value)) in labels.iter().enumerate() {
            let before = if number == 0 { '{' } else { ',' };
            let value = Escaped {
                text: value,
                quotes: true,
            };
            self.exposition
                .put(format_args!("{before}{label}=\"{value}\""));
        }
        let after = if labels.is_empty() { "" } else { "}" };
        self.exposition.put(format_args!("{after} {value}\n"));
    }
}

/// A text in which what would end it is written otherwise.
struct Escaped<'a> {
    text: &'a str,
    quotes: bool,
}

impl Display for Escaped<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for letter in self.text.chars() {
            match letter {
                '\\' => f.write_str("\\\\")?,
                '\n' => f.write_str("\\n")?,
                '"' if self.quotes => f.write_str("\\\"")?,
                other => f.write_char(other)?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn example(format: Format) -> String {
        let mut exposition = Exposition::new(format);
        let family = |name, kind| Family {
            name,
            kind,
            help: "A \"help\" of\ntwo lines, with a \\.",
        };
        let mut ends = exposition.family(&family("ends", Kind::Counter));
        ends.sample(&[("name", "a\"b\\c\nd"), ("reason", "expected")], 3);
        ends.sample(&[], 0.5);
        exposition
            .family(&family("state", Kind::Gauge))
            .sample(&[("state", "RUNNING")], 1);
        exposition
            .family(&family("build", Kind::Info))
            .sample(&[("version", "1")], 1);
        String::from_utf8(exposition.finish()).unwrap()
    }

    #[test]
    fn both_formats_are_as_their_readers_want_them() {
        insta::assert_snapshot!(example(Format::Prometheus), @r#"
        # HELP ends_total A "help" of\ntwo lines, with a \\.
        # TYPE ends_total counter
        ends_total{name="a\"b\\c\nd",reason="expected"} 3
        ends_total 0.5
        # HELP state A "help" of\ntwo lines, with a \\.
        # TYPE state gauge
        state{state="RUNNING"} 1
        # HELP build_info A "help" of\ntwo lines, with a \\.
        # TYPE build_info gauge
        build_info{version="1"} 1
        "#);
        insta::assert_snapshot!(example(Format::OpenMetrics), @r#"
        # HELP ends A \"help\" of\ntwo lines, with a \\.
        # TYPE ends counter
        ends_total{name="a\"b\\c\nd",reason="expected"} 3
        ends_total 0.5
        # HELP state A \"help\" of\ntwo lines, with a \\.
        # TYPE state gauge
        state{state="RUNNING"} 1
        # HELP build A \"help\" of\ntwo lines, with a \\.
        # TYPE build info
        build_info{version="1"} 1
        # EOF
        "#);
    }

    #[test]
    fn who_asks_for_open_metrics_gets_it() {
        let asked = |accept| Format::accepted(accept);
        assert_eq!(asked(None), Format::Prometheus);
        assert_eq!(asked(Some("text/plain")), Format::Prometheus);
        let prometheus = "application/openmetrics-text;version=1.0.0;q=0.5,text/plain;q=0.3";
        assert_eq!(asked(Some(prometheus)), Format::OpenMetrics);
    }
}
