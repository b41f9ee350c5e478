//! Partitions and the verdict.

use super::*;

#[test]
fn a_verdict_needs_its_evidence() {
    let ising = rules::of_kind("ising_2d", "side = 4");
    let whole = "[analysis]\nlikelihood = {}\ninformation = {}\nverdict = {}\n";
    good(&sources(&format!("{ising}{whole}")));
    for missing in ["likelihood", "information"] {
        let text = whole.replace(&format!("{missing} = {{}}\n"), "");
        let problem = only(&sources(&format!("{ising}{text}")));
        assert_eq!(problem.key, "analysis.verdict");
        assert!(problem.expected.contains(missing), "{problem:?}");
    }
}

#[test]
fn partitions_are_read_and_must_cut_the_sites() {
    let with = |sites: usize, rules: &str| {
        let model = rules::of_kind("curie_weiss", &format!("sites = {sites}"));
        sources(&format!(
            "{model}[analysis]\ninformation = {{ partitions = {rules} }}\n"
        ))
    };
    let manifest = good(&with(4, r#"["random:3", "sites:[3, 0]"]"#));
    let found = manifest.points[0].analysis.information.as_ref().unwrap();
    let expected = [PartitionRule::Random(3), PartitionRule::Sites(vec![3, 0])];
    assert_eq!(found.partitions, expected);
    let manifest = good(&with(4, r#"["halves"]"#));
    let found = manifest.points[0].analysis.information.as_ref().unwrap();
    assert_eq!(found.partitions, [PartitionRule::Halves]);
    for (rules, key) in [
        (r#"["sites:[4]"]"#, "analysis.information.partitions"),
        (
            r#"["sites:[0, 1, 2, 3]"]"#,
            "analysis.information.partitions",
        ),
        (r#"["halfs"]"#, "analysis.information.partitions[0]"),
        (r"[1]", "analysis.information.partitions[0]"),
        (r"[]", "analysis.information.partitions"),
    ] {
        assert_eq!(only(&with(4, rules)).key, key, "{rules}");
    }
}
