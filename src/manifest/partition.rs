//! Cuts of the sites in two, as a manifest writes them.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::catalogue;
use super::node::{Node, Value};
use super::section::Section;

/// A rule that cuts the sites in two parts, A and B.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub enum PartitionRule {
    /// The first half of the sites, and the rest.
    Halves,
    /// Sites of even and of odd number; on a lattice the two colours of a checkerboard.
    EvenOdd,
    /// So many random halves.
    Random(usize),
    /// These sites, numbered from 0, and all others.
    Sites(Vec<usize>),
}

impl PartitionRule {
    /// Whether it leaves a site on either side of `sites` sites.
    pub(super) fn fits(&self, sites: usize) -> bool {
        match self {
            Self::Halves | Self::EvenOdd | Self::Random(_) => sites >= 2,
            Self::Sites(chosen) => chosen.iter().all(|&site| site < sites) && chosen.len() < sites,
        }
    }
}

const WORDS: &[&str] = &["halves", "even_odd", "random:10", "sites:[0, 1, 2]"];
const MOST_RANDOM: usize = 1000;

impl fmt::Display for PartitionRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Halves => f.write_str("halves"),
            Self::EvenOdd => f.write_str("even_odd"),
            Self::Random(count) => write!(f, "random:{count}"),
            Self::Sites(sites) => write!(f, "sites:{sites:?}"),
        }
    }
}

impl From<PartitionRule> for String {
    fn from(rule: PartitionRule) -> Self {
        rule.to_string()
    }
}

impl TryFrom<String> for PartitionRule {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        parse(&text).ok_or_else(|| {
            let expected = catalogue::list(WORDS);
            format!("found the partition {text:?}, expected {expected}")
        })
    }
}

/// Reads one rule.
pub(super) fn read(section: &Section<'_>, node: &Node, key: &str) -> Option<PartitionRule> {
    let expected = catalogue::list(WORDS);
    let Value::Text(text) = &node.value else {
        return section.wrong_type(node, key, &expected);
    };
    let rule = parse(text);
    if rule.is_none() {
        let names = ["halves", "even_odd", "random:10", "sites:[0]"];
        let near = catalogue::nearest(text, &names).map(|near| format!("did you mean `{near}`?"));
        let help = near.unwrap_or_else(|| {
            format!(
                "at most {MOST_RANDOM} random halves; sites are numbered from 0, each named once"
            )
        });
        section.refuse::<()>("manifest::unknown_word", node, key, expected, Some(help));
    }
    rule
}

fn parse(text: &str) -> Option<PartitionRule> {
    match text.split_once(':') {
        None if text == "halves" => Some(PartitionRule::Halves),
        None if text == "even_odd" => Some(PartitionRule::EvenOdd),
        Some(("random", count)) => {
            let count = count.trim().parse().ok()?;
            (1..=MOST_RANDOM)
                .contains(&count)
                .then_some(PartitionRule::Random(count))
        }
        Some(("sites", list)) => {
            let list = list.trim().strip_prefix('[')?.strip_suffix(']')?;
            let sites = list.split(',').map(|site| site.trim().parse().ok());
            let sites: Vec<usize> = sites.collect::<Option<_>>()?;
            let mut sorted = sites.clone();
            sorted.sort_unstable();
            sorted.dedup();
            (sorted.len() == sites.len()).then_some(PartitionRule::Sites(sites))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_read_back_what_they_write() {
        let rules = [
            PartitionRule::Halves,
            PartitionRule::EvenOdd,
            PartitionRule::Random(10),
            PartitionRule::Sites(vec![4, 0, 7]),
        ];
        for rule in rules {
            assert_eq!(parse(&rule.to_string()), Some(rule));
        }
    }

    #[test]
    fn rules_that_cut_nothing_are_refused() {
        let wrong = [
            "",
            "half",
            "random",
            "random:0",
            "random:-1",
            "random:1001",
            "sites:[]",
            "sites:[1, 1]",
            "sites:[1",
            "sites:1",
            "sites:[-1]",
            "halves:2",
        ];
        for text in wrong {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
