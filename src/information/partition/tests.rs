use super::*;
use crate::random::stream;

fn expand(rule: &str, sites: usize, lattice: Option<Lattice>) -> Vec<Partition> {
    let rule: PartitionRule = rule.parse().unwrap();
    let mut generator = stream("partitions", &[]);
    rule.partitions(sites, lattice, &mut generator).unwrap()
}

fn refusal(rule: &str, sites: usize, lattice: Option<Lattice>) -> String {
    let mut generator = stream("partitions", &[]);
    let refused = rule
        .parse()
        .and_then(|rule: PartitionRule| rule.partitions(sites, lattice, &mut generator));
    refused.unwrap_err().to_string()
}

#[test]
fn halves_are_the_first_sites_against_the_others() {
    let halves = &expand("halves", 7, None)[0];
    assert_eq!(halves.name(), "halves");
    assert_eq!(halves.first(), [0, 1, 2]);
    assert_eq!(halves.second(), [3, 4, 5, 6]);
}

#[test]
fn even_sites_are_those_of_the_checkerboard_on_a_lattice() {
    assert_eq!(expand("even_odd", 5, None)[0].first(), [0, 2, 4]);
    let square = Lattice {
        side: 4,
        dimension: 2,
    };
    let even = expand("even_odd", 16, Some(square));
    assert_eq!(even[0].first(), [0, 2, 5, 7, 8, 10, 13, 15]);
    let cube = Lattice {
        side: 2,
        dimension: 3,
    };
    assert_eq!(expand("even_odd", 8, Some(cube))[0].first(), [0, 3, 5, 6]);
}

#[test]
fn random_halves_are_named_by_number_and_take_every_site_as_often() {
    let (count, sites) = (1000, 11);
    let halves = expand(&format!("random:{count}"), sites, None);
    assert_eq!(halves.len(), count);
    assert_eq!(halves[0].name(), "random_1");
    assert_eq!(halves[count - 1].name(), "random_1000");
    let mut times = vec![0; sites];
    for half in &halves {
        assert_eq!((half.first().len(), half.second().len()), (5, 6));
        half.first().iter().for_each(|&site| times[site] += 1);
    }
    // Binomial with 1000 trials of probability 5/11: four standard deviations.
    let p = 5.0 / 11.0;
    let deviation = (count as f64 * p * (1.0 - p)).sqrt();
    for (site, times) in times.iter().enumerate() {
        let pull = (f64::from(*times) - count as f64 * p) / deviation;
        assert!(pull.abs() < 4.0, "site {site}: {times} times");
    }
    assert_eq!(halves, expand("random:1000", sites, None), "the same again");
}

#[test]
fn given_sites_are_counted_from_zero() {
    let given = &expand("sites: [4, 0]", 5, None)[0];
    assert_eq!((given.name(), given.first()), ("sites", &[0, 4][..]));
    assert_eq!(given.second(), [1, 2, 3]);
}

#[test]
fn rules_are_written_as_they_are_read() {
    for text in ["halves", "even_odd", "random:10", "sites:[0,1,2]"] {
        let rule: PartitionRule = text.parse().unwrap();
        assert_eq!(rule.to_string(), text);
    }
}

#[test]
fn what_is_no_partition_is_refused_with_the_way_out() {
    for (rule, sites, expected) in [
        (
            "quarters",
            8,
            "`quarters` names no partition, expected `halves`",
        ),
        ("sites:1,2", 8, "`sites:1,2` names no partition"),
        ("random:0", 8, "expected `random:1` to `random:1000`"),
        ("random:many", 8, "`random:many` asks for no number"),
        ("sites:[1,two]", 8, "`two` in `sites:[1,two]` is no site"),
        ("sites:[]", 8, "`` in `sites:[]` is no site"),
        ("sites:[-1]", 8, "`-1` in `sites:[-1]` is no site"),
        ("sites:[1,8]", 8, "names site 8, expected sites from 0 to 7"),
        ("sites:[1,2,1]", 8, "names site 1 twice"),
        ("sites:[0,1]", 2, "leaves one side of 2 sites empty"),
        ("halves", 1, "leaves one side of 1 sites empty"),
        ("even_odd", 1, "leaves one side of 1 sites empty"),
    ] {
        let message = refusal(rule, sites, None);
        assert!(message.contains(expected), "{rule}: {message}");
    }
    let lattice = |side| Some(Lattice { side, dimension: 2 });
    let odd = refusal("even_odd", 9, lattice(3));
    assert!(odd.contains("a lattice of odd side 3"), "{odd}");
    let other = refusal("even_odd", 9, lattice(4));
    assert!(
        other.contains("a lattice of 16 sites for a model of 9"),
        "{other}"
    );
}
