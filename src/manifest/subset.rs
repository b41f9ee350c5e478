//! Which cells and which bins of a recording are used, as a manifest writes them.

use std::fmt;
use std::ops::Range;

use serde::{Deserialize, Serialize};

use super::catalogue;
use super::node::{Node, Value};
use super::section::Section;

/// The cells of a recording that are used.
///
/// Written as a list or as a text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum RecordedSites {
    /// These, by index from 0, in this order.
    Listed(Vec<usize>),
    /// As many as a rule says, in the order of the file.
    Counted(SiteRule),
}

/// So many cells of a recording, whichever they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub enum SiteRule {
    /// The first so many.
    First(usize),
    /// So many drawn from the seed; of one draw, a smaller number of cells is a part
    /// of a larger one.
    Random {
        /// Number of cells.
        count: usize,
        /// Which draw, from 0.
        draw: usize,
    },
}

/// Bins of every repeat that are used, from 0: `start` to `stop` - 1.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct BinRange(pub Range<usize>);

/// Most cells that may be named.
const MOST_SITES: usize = 100_000;

/// Largest index of a cell, number of a draw, or number of bins.
const LARGEST: usize = 10_000_000;

const RULES: &[&str] = &["first:25", "random:25", "random:25:1"];

impl RecordedSites {
    /// Number of cells.
    #[must_use]
    pub fn count(&self) -> usize {
        match self {
            Self::Listed(sites) => sites.len(),
            Self::Counted(SiteRule::First(count) | SiteRule::Random { count, .. }) => *count,
        }
    }
}

impl fmt::Display for SiteRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::First(count) => write!(f, "first:{count}"),
            Self::Random { count, draw: 0 } => write!(f, "random:{count}"),
            Self::Random { count, draw } => write!(f, "random:{count}:{draw}"),
        }
    }
}

impl From<SiteRule> for String {
    fn from(rule: SiteRule) -> Self {
        rule.to_string()
    }
}

impl TryFrom<String> for SiteRule {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        rule(&text).ok_or_else(|| {
            let expected = catalogue::list(RULES);
            format!("found the sites {text:?}, expected {expected}")
        })
    }
}

impl fmt::Display for BinRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.0.start, self.0.end)
    }
}

impl From<BinRange> for String {
    fn from(bins: BinRange) -> Self {
        bins.to_string()
    }
}

impl TryFrom<String> for BinRange {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        range(&text).ok_or_else(|| format!("found the bins {text:?}, expected `0:476`"))
    }
}

/// Digits and nothing else, within a range.
fn whole(text: &str, least: usize, most: usize) -> Option<usize> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let value = digits.then(|| text.parse().ok())??;
    (least..=most).contains(&value).then_some(value)
}

fn rule(text: &str) -> Option<SiteRule> {
    let mut parts = text.split(':');
    let (word, count) = (parts.next()?, whole(parts.next()?, 1, MOST_SITES)?);
    let draw = parts.next().map(|draw| whole(draw, 0, LARGEST));
    match (word, draw, parts.next()) {
        ("first", None, None) => Some(SiteRule::First(count)),
        ("random", None, None) => Some(SiteRule::Random { count, draw: 0 }),
        ("random", Some(draw), None) => Some(SiteRule::Random { count, draw: draw? }),
        _ => None,
    }
}

fn range(text: &str) -> Option<BinRange> {
    let (start, stop) = text.split_once(':')?;
    let range = whole(start, 0, LARGEST)?..whole(stop, 1, LARGEST)?;
    (!range.is_empty()).then_some(BinRange(range))
}

/// Reads `sites`.
pub(super) fn sites(section: &Section<'_>) -> Option<RecordedSites> {
    let node = &section.find("sites")?.node;
    let key = section.key("sites");
    match &node.value {
        Value::Array(items) => listed(section, items).map(RecordedSites::Listed),
        Value::Text(text) => {
            let found = rule(text).map(RecordedSites::Counted);
            found.or_else(|| {
                let expected = format!("{}, or a list of indices", catalogue::list(RULES));
                let help = format!("a number of cells from 1 to {MOST_SITES}, and which draw");
                section.refuse("manifest::unknown_word", node, &key, expected, Some(help))
            })
        }
        _ => {
            let expected = format!("an array of integers, or {}", catalogue::list(RULES));
            section.wrong_type(node, &key, &expected)
        }
    }
}

fn listed(section: &Section<'_>, items: &[Node]) -> Option<Vec<usize>> {
    let sites = section.counts("sites", &(1..=MOST_SITES), 0..=LARGEST as u32)?;
    let mut seen = std::collections::HashSet::new();
    let twice = sites.iter().position(|site| !seen.insert(site));
    let Some(position) = twice else {
        return Some(sites);
    };
    let key = format!("{}[{position}]", section.key("sites"));
    let expected = "each cell once".to_owned();
    section.refuse(
        "manifest::duplicate",
        &items[position],
        &key,
        expected,
        None,
    )
}

/// Reads `bins`.
pub(super) fn bins(section: &Section<'_>) -> Option<BinRange> {
    let node = &section.find("bins")?.node;
    let key = section.key("bins");
    let expected = "a text `start:stop` with the start below the stop, such as `0:476`";
    let Value::Text(text) = &node.value else {
        return section.wrong_type(node, &key, expected);
    };
    range(text).or_else(|| {
        let help = "bins of a repeat are numbered from 0; the stop is the first one left out";
        let help = Some(help.to_owned());
        section.refuse(
            "manifest::unknown_word",
            node,
            &key,
            expected.to_owned(),
            help,
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_read_back_what_they_write() {
        let random = |count, draw| SiteRule::Random { count, draw };
        for (text, expected) in [
            ("first:25", SiteRule::First(25)),
            ("random:25", random(25, 0)),
            ("random:25:3", random(25, 3)),
        ] {
            assert_eq!(rule(text), Some(expected));
            assert_eq!(expected.to_string(), text);
        }
        assert_eq!(rule("random:25:0"), rule("random:25"), "the first draw");
        let bins = BinRange(0..476);
        assert_eq!(range(&bins.to_string()), Some(bins));
    }

    #[test]
    fn what_chooses_nothing_is_refused() {
        for text in [
            "",
            "first",
            "first:",
            "first:0",
            "first:2:1",
            "first:+2",
            "last:3",
            "random:0",
            "random:100001",
            "random:2:",
            "random:2:-1",
            "random:2:1:1",
            "random: 2",
        ] {
            assert_eq!(rule(text), None, "{text}");
        }
        for text in [
            "",
            ":",
            "3",
            "0:0",
            "4:3",
            "0:",
            ":5",
            "0:10000001",
            "a:b",
            "0:1:2",
            "-1:2",
        ] {
            assert_eq!(range(text), None, "{text}");
        }
    }
}
