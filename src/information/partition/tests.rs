use super::*;
use crate::random::stream;

fn expand(rule: &PartitionRule, sites: usize, lattice: Option<Lattice>) -> Vec<Partition> {
    let mut generator = stream("partitions", &[]);
    rule.partitions(sites, lattice, &mut generator).unwrap()
}

fn refusal(rule: &PartitionRule, sites: usize, lattice: Option<Lattice>) -> String {
    let mut generator = stream("partitions", &[]);
    let refused = rule.partitions(sites, lattice, &mut generator);
    refused.unwrap_err().to_string()
}

#[test]
fn halves_are_the_first_sites_against_the_others() {
    let halves = &expand(&PartitionRule::Halves, 7, None)[0];
    assert_eq!(halves.name(), "halves");
    assert_eq!(halves.first(), [0, 1, 2]);
    assert_eq!(halves.second(), [3, 4, 5, 6]);
}

#[test]
fn even_sites_are_those_of_the_checkerboard_on_a_lattice() {
    assert_eq!(
        expand(&PartitionRule::EvenOdd, 5, None)[0].first(),
        [0, 2, 4]
    );
    let square = Lattice {
        side: 4,
        dimension: 2,
    };
    let even = expand(&PartitionRule::EvenOdd, 16, Some(square));
    assert_eq!(even[0].first(), [0, 2, 5, 7, 8, 10, 13, 15]);
    let cube = Lattice {
        side: 2,
        dimension: 3,
    };
    assert_eq!(
        expand(&PartitionRule::EvenOdd, 8, Some(cube))[0].first(),
        [0, 3, 5, 6]
    );
}

#[test]
fn random_halves_are_named_by_number_and_take_every_site_as_often() {
    let (count, sites) = (1000, 11);
    let halves = expand(&PartitionRule::Random { count }, sites, None);
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
    assert_eq!(
        halves,
        expand(&PartitionRule::Random { count }, sites, None),
        "the same again"
    );
}

#[test]
fn given_sites_are_counted_from_zero() {
    let given = &expand(&PartitionRule::Sites(vec![4, 0]), 5, None)[0];
    assert_eq!((given.name(), given.first()), ("sites", &[0, 4][..]));
    assert_eq!(given.second(), [1, 2, 3]);
}

#[test]
fn what_is_no_partition_is_refused_with_the_way_out() {
    let given = |sites: &[usize]| PartitionRule::Sites(sites.to_vec());
    for (rule, sites, expected) in [
        (
            given(&[1, 8]),
            8,
            "names site 8, expected sites from 0 to 7",
        ),
        (given(&[1, 2, 1]), 8, "names site 1 twice"),
        (given(&[0, 1]), 2, "leaves one side of 2 sites empty"),
        (PartitionRule::Halves, 1, "leaves one side of 1 sites empty"),
        (
            PartitionRule::EvenOdd,
            1,
            "leaves one side of 1 sites empty",
        ),
    ] {
        let message = refusal(&rule, sites, None);
        assert!(message.contains(expected), "{rule:?}: {message}");
    }
    let lattice = |side| Some(Lattice { side, dimension: 2 });
    let odd = refusal(&PartitionRule::EvenOdd, 9, lattice(3));
    assert!(odd.contains("a lattice of odd side 3"), "{odd}");
    let other = refusal(&PartitionRule::EvenOdd, 9, lattice(4));
    assert!(
        other.contains("a lattice of 16 sites for a model of 9"),
        "{other}"
    );
}
