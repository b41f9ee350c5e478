//! Profiles of clusters in the user's file.

use super::*;

fn with_user(user: &str) -> Result<Manifest, Problems> {
    let sources = Sources {
        user_file: Some((
            "/home/someone/.config/latentfield.toml".into(),
            user.to_owned(),
        )),
        ..sources(MODEL)
    };
    load(&sources, CATALOGUE)
}

#[test]
fn a_profile_is_read_whole() {
    let text = r#"
        [cluster.hpc]
        partition = "normal"
        account = "physics"
        time = "1-02:00:30"
        memory = "8G"
        cores = 4
        modules = ["gcc/12"]
        prologue = ["ulimit -s unlimited"]
        environment = { OMP_NUM_THREADS = "1" }
        max_running = 100
        points_per_job = 5
        requeue = false

        [cluster.small]
        time = 90
        memory = 500
    "#;
    let clusters = with_user(text).unwrap().machine.clusters;
    let hpc = ClusterProfile {
        partition: Some("normal".to_owned()),
        account: Some("physics".to_owned()),
        seconds: Some(86_400 + 7230),
        mebibytes: Some(8192),
        cores: 4,
        modules: vec!["gcc/12".to_owned()],
        prologue: vec!["ulimit -s unlimited".to_owned()],
        environment: [("OMP_NUM_THREADS".to_owned(), "1".to_owned())].into(),
        max_running: Some(100),
        points_per_job: Some(5),
        requeue: false,
        ..ClusterProfile::named("hpc")
    };
    let small = ClusterProfile {
        stop_seconds: 120,
        seconds: Some(5400),
        mebibytes: Some(500),
        ..ClusterProfile::named("small")
    };
    assert_eq!(clusters, [hpc, small]);
}

#[test]
fn what_makes_no_sense_in_a_profile_is_said_with_its_place() {
    let cases = [
        ("partition = \"-x\"", "cluster.hpc.partition"),
        ("account = \"a\\nb\"", "cluster.hpc.account"),
        ("time = \"soon\"", "cluster.hpc.time"),
        ("time = \"1:99:00\"", "cluster.hpc.time"),
        ("time = 0", "cluster.hpc.time"),
        ("memory = \"8 apples\"", "cluster.hpc.memory"),
        ("memory = -1", "cluster.hpc.memory"),
        (
            "environment = { \"A B\" = \"1\" }",
            "cluster.hpc.environment.A B",
        ),
        ("environment = { A = 1 }", "cluster.hpc.environment.A"),
        ("cores = 0", "cluster.hpc.cores"),
        ("modules = [1]", "cluster.hpc.modules[0]"),
        ("options = [\"--job-name=x\"]", "cluster.hpc.options[0]"),
        (
            "options = [\"--hold\", \"--job=x\"]",
            "cluster.hpc.options[1]",
        ),
        ("options = [\"-Jx\"]", "cluster.hpc.options[0]"),
        ("options = [\"-N\", \"1\"]", "cluster.hpc.options[1]"),
        ("stop_seconds = 120\ntime = 2", "cluster.hpc.stop_seconds"),
        ("partitions = \"x\"", "cluster.hpc.partitions"),
    ];
    for (line, key) in cases {
        let problems = with_user(&format!("[cluster.hpc]\n{line}\n")).unwrap_err();
        assert_eq!(problems.0.len(), 1, "{line}: {problems:?}");
        assert_eq!(problems.0[0].key, key, "{line}");
        assert!(
            matches!(problems.0[0].origin, Origin::File { line: 2, .. }),
            "{problems:?}"
        );
    }
}

#[test]
fn a_manifest_cannot_name_a_cluster() {
    let text = format!("{MODEL}\n[cluster.hpc]\ncores = 2\n");
    let problems = load(&sources(&text), CATALOGUE).unwrap_err();
    assert_eq!(
        problems.0[0].code, "manifest::misplaced_key",
        "{problems:?}"
    );
}

#[test]
fn a_short_job_is_told_to_stop_a_quarter_of_its_time_before_the_end() {
    let text = "[cluster.short]\ntime = 2\noptions = [\"--hold\", \"--mail-type=END\", \"-N1\"]\n";
    let clusters = with_user(text).unwrap().machine.clusters;
    assert_eq!(clusters[0].stop_seconds, 30);
    assert_eq!(clusters[0].options.len(), 3);
}
