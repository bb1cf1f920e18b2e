//! Figures over time, as lines without axes: the figure beside them is the text.

use std::fmt::Write as _;

use maud::{Markup, html};

/// A figure over time, the oldest value first, at even distances.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Series {
    /// Its values.
    pub values: Vec<f64>,
    /// What the top of the drawing means at least: 100 per cent, or a limit.
    pub ceiling: f64,
}

/// How many points the small line in a row has at most.
pub const POINTS: usize = 29;

/// How high a small line is drawn, in units of its own.
const SPARK_HEIGHT: f64 = 32.0;

impl Series {
    /// The highest of the values; 0 if there are none.
    #[must_use]
    pub fn peak(&self) -> f64 {
        self.values.iter().copied().fold(0.0, f64::max)
    }

    /// What the top of the drawing means.
    fn top(&self) -> f64 {
        let top = self.peak().max(self.ceiling);
        if top > 0.0 { top } else { 1.0 }
    }

    /// The line of a row. Nothing is drawn of less than two values.
    pub(crate) fn spark(&self) -> Markup {
        let line = self.line(SPARK_HEIGHT, 1.0);
        let (Some(line), width) = (line, self.values.len().saturating_sub(1)) else {
            return html! { span {} };
        };
        html! {
            svg.spark viewBox={ "0 0 " (width) " 32" } preserveAspectRatio="none" aria-hidden="true" {
                path.area d={ (line) "V32H0z" } {}
                path d=(line) {}
            }
        }
    }

    /// The large line of a page about one process.
    pub(crate) fn chart(&self, label: &str, limit: Option<f64>) -> Markup {
        const HEIGHT: f64 = 60.0;
        let width = self.values.len().saturating_sub(1).max(1);
        let line = self.line(HEIGHT, 4.0);
        let limit = limit.map(|limit| 4.0 + HEIGHT * (1.0 - limit / self.top()));
        html! {
            svg viewBox={ "0 0 " (width) " 64" } preserveAspectRatio="none" role="img" aria-label=(label) {
                path.grid d={ "M0 4H" (width) "M0 34H" (width) "M0 64H" (width) } {}
                @if let Some(limit) = limit {
                    path.limit d={ "M0 " (format!("{limit:.1}")) "H" (width) } {}
                }
                @if let Some(line) = line {
                    path.area d={ (line) "V64H0z" } {}
                    path d=(line) {}
                }
            }
        }
    }

    /// The way of the line, relative from point to point and in whole units: a page may hold
    /// hundreds of them.
    fn line(&self, height: f64, from: f64) -> Option<String> {
        if self.values.len() < 2 {
            return None;
        }
        let top = self.top();
        let mut line = String::new();
        let mut before = 0;
        for (index, value) in self.values.iter().enumerate() {
            let share = (value / top).clamp(0.0, 1.0);
            #[expect(clippy::cast_possible_truncation, reason = "lies within the drawing")]
            let y = (from + height * (1.0 - share)).round() as i32;
            if index == 0 {
                line = format!("M0 {y}l");
            } else {
                let step = y - before;
                let gap = if step < 0 { "" } else { " " };
                let space = if index == 1 { "" } else { " " };
                // Writing to a string cannot fail.
                let _ = write!(line, "{space}1{gap}{step}");
            }
            before = y;
        }
        Some(line)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn series(values: &[f64], ceiling: f64) -> Series {
        Series {
            values: values.to_vec(),
            ceiling,
        }
    }

    #[test]
    fn a_line_goes_from_point_to_point() {
        let line = series(&[0.0, 100.0, 50.0], 100.0).line(32.0, 1.0);
        assert_eq!(line.unwrap(), "M0 33l1-32 1 16");
        assert_eq!(series(&[1.0], 100.0).line(32.0, 1.0), None);
    }

    #[test]
    fn what_is_higher_than_the_ceiling_raises_it() {
        assert!((series(&[250.0, 3.0], 100.0).top() - 250.0).abs() < f64::EPSILON);
        assert!((series(&[0.0, 0.0], 0.0).top() - 1.0).abs() < f64::EPSILON);
    }

    #[test]
    fn nothing_is_drawn_of_what_is_not_known() {
        assert_eq!(series(&[], 1.0).spark().into_string(), "<span></span>");
        let odd = series(&[f64::NAN, f64::INFINITY], 1.0)
            .spark()
            .into_string();
        assert!(!odd.contains("NaN"), "{odd}");
    }
}
