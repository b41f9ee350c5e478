//! Manifests that extend others, and versions that they ask for.

use std::path::{Path, PathBuf};
#[cfg(unix)]
use std::{process::Command, time::Duration};

use super::*;

/// Sources of `runs/exp.toml` that extends the given files.
fn extending(text: &str, files: &[(&str, &str)]) -> Sources {
    let extended = files.iter().map(|(path, text)| ExtendedFile {
        path: (*path).into(),
        text: Ok((*text).to_owned()),
    });
    Sources {
        extended: extended.collect(),
        ..sources(text)
    }
}

fn place(problem: &Problem) -> String {
    problem.origin.to_string()
}

#[test]
fn the_extending_file_wins_key_by_key() {
    let text = "extend = \"base.toml\"\n[experiment]\nname = \"other\"\n[vae]\nhidden = [5]\n";
    let manifest = good(&extending(text, &[("runs/base.toml", MODEL)]));
    assert_eq!(manifest.experiment.name, "other");
    assert_eq!(manifest.experiment.seed, 7, "of the base");
    assert_eq!(manifest.points[0].vae.hidden, [5]);
    assert_eq!(manifest.points[0].vae.latent, 3, "of the base");
}

#[test]
fn of_a_list_the_later_file_wins_and_chains_are_followed() {
    let a = "extend = \"deep/c.toml\"\n[vae]\nlatent = 4\nactivation = \"relu\"\n";
    let b = "[vae]\nlatent = 5\n[sampling]\nsamples = 333\n";
    let c = "extend = '../base.toml'\n[vae]\nlatent = 6\n[sampling]\nsamples = 222\n";
    let files = [
        ("runs/a.toml", a),
        ("runs/b.toml", b),
        ("runs/deep/c.toml", c),
        ("runs/deep/../base.toml", MODEL),
    ];
    let manifest = good(&extending("extend = [\"a.toml\", \"b.toml\"]\n", &files));
    let vae = &manifest.points[0].vae;
    assert_eq!((vae.latent, vae.activation), (5, Activation::Relu));
    let System::Model { sampling, .. } = &manifest.points[0].system else {
        panic!("a model");
    };
    assert_eq!(sampling.samples, 333);
}

#[test]
fn a_file_that_several_extend_lies_below_the_first_of_them() {
    let a = "extend = \"base.toml\"\n[vae]\nlatent = 4\n";
    let b = "extend = \"./base.toml\"\n[sampling]\nsamples = 333\n";
    let files = [
        ("runs/a.toml", a),
        ("runs/b.toml", b),
        ("runs/base.toml", MODEL),
    ];
    let manifest = good(&extending("extend = [\"a.toml\", \"b.toml\"]\n", &files));
    // The base says 3; it must not come a second time above `a.toml`.
    assert_eq!(manifest.points[0].vae.latent, 4);
}

#[test]
fn messages_point_into_the_file_that_holds_the_value() {
    let base = MODEL.replace("sites = 6", "sites = 0");
    let text = "# one\n# two\nextend = \"base.toml\"\n[vae]\nlatent = 300\nhiden = [3]\n";
    let problems = bad(&extending(text, &[("runs/base.toml", &base)]));
    let found: Vec<(String, &str)> = problems.iter().map(|it| (place(it), &*it.key)).collect();
    let expected = [
        ("runs/exp.toml:5:10", "vae.latent"),
        ("runs/exp.toml:6:1", "vae.hiden"),
        ("runs/base.toml:8:9", "model.sites"),
    ];
    assert_eq!(found, expected.map(|(place, key)| (place.to_owned(), key)));
    // A value below is none of the manifest's mistakes once it is replaced.
    let text = "extend = \"base.toml\"\n[model]\nsites = 6\n";
    good(&extending(text, &[("runs/base.toml", &base)]));
}

#[test]
fn relative_paths_count_from_the_file_that_names_them() {
    let base = RECORDING.replace("name = \"cells\"\n", "name = \"cells\"\nseed = 3\n");
    let text = "extend = \"../shared/base.toml\"\n";
    let sources = extending(text, &[("runs/../shared/base.toml", &base)]);
    let System::Recording(recording) = &good(&sources).points[0].system else {
        panic!("a recording");
    };
    let expected = Path::new("/home/someone/runs/../shared/data/cells.npy");
    assert_eq!(recording.path, expected);
}

#[test]
fn a_sweep_of_the_base_keeps_its_order_and_takes_new_values() {
    let base = format!("{MODEL}[sweep]\nmodel.temperature = [1, 2]\nvae.latent = [1, 2]\n");
    let text = "extend = \"base.toml\"\n[sweep]\nvae.training.epochs = [3, 4]\n\
                model.temperature = [5]\n";
    let manifest = good(&extending(text, &[("runs/base.toml", &base)]));
    let axes: Vec<(&str, usize)> = manifest
        .axes
        .iter()
        .map(|axis| (&*axis.path, axis.values.len()))
        .collect();
    let expected = [
        ("model.temperature", 1),
        ("vae.latent", 2),
        ("vae.training.epochs", 2),
    ];
    assert_eq!(axes, expected);
    // The expanded text stands alone.
    let again = sources(&manifest.expanded);
    assert_eq!(good(&again).points, manifest.points);
}

#[test]
fn circles_long_chains_and_missing_files_are_refused() {
    let circle = [
        ("runs/a.toml", "extend = \"b.toml\"\n"),
        ("runs/b.toml", "extend = \"a.toml\"\n"),
    ];
    let problem = only(&extending("extend = \"a.toml\"\n", &circle));
    assert_eq!(
        (problem.code, &*place(&problem)),
        ("manifest::bad_extend", "runs/b.toml:1:10")
    );
    assert!(problem.found.contains("in turn"), "{problem}");
    let own = only(&extending("extend = \"./exp.toml\"\n", &[]));
    assert!(own.found.contains("in turn"), "{own}");

    let chain = |files: usize| {
        let names: Vec<String> = (0..files)
            .map(|index| format!("runs/{index}.toml"))
            .collect();
        let texts: Vec<String> = (1..=files)
            .map(|next| match next {
                last if last == files => MODEL.to_owned(),
                next => format!("extend = \"{next}.toml\"\n"),
            })
            .collect();
        let pairs = names
            .iter()
            .map(String::as_str)
            .zip(texts.iter().map(String::as_str));
        extending("extend = \"0.toml\"\n", &pairs.collect::<Vec<_>>())
    };
    good(&chain(16));
    let problem = only(&chain(17));
    assert!(problem.found.contains("more than 16"), "{problem}");

    let mut missing = extending("\nextend = [\"gone.toml\"]\n", &[("runs/gone.toml", "")]);
    missing.extended[0].text = Err("No such file or directory".to_owned());
    let problem = only(&missing);
    assert_eq!(place(&problem), "runs/exp.toml:2:11");
    assert!(problem.found.contains("No such file"), "{problem}");
    assert!(problem.expected.contains("runs/gone.toml"), "{problem}");

    for wrong in ["3", "[]", "[3]", "{ a = 1 }"] {
        let problem = only(&extending(&format!("extend = {wrong}\n"), &[]));
        assert_eq!(problem.code, "manifest::bad_extend", "{wrong}");
    }
    let broken = bad(&extending(
        "extend = \"a.toml\"\n",
        &[("runs/a.toml", "x = = 3\n")],
    ));
    let syntax = broken
        .iter()
        .all(|it| it.code == "manifest::syntax" && line(it) == 1);
    assert!(syntax, "{broken:#?}");
}

#[test]
fn machine_keys_stand_in_no_file_that_is_extended() {
    let base = format!("threads = 3\n{MODEL}");
    let problem = only(&extending(
        "extend = \"base.toml\"\n",
        &[("runs/base.toml", &base)],
    ));
    assert_eq!(problem.code, "manifest::misplaced_key");
    assert_eq!(place(&problem), "runs/base.toml:1:1");
}

#[test]
fn reading_follows_files_and_tables_and_the_digest_covers_them() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    };
    write("exp.toml", "extend = \"shared/base.toml\"\n");
    write(
        "shared/base.toml",
        &format!("{MODEL}[sweep]\ntable = \"trials.csv\"\n"),
    );
    write("shared/trials.csv", "vae.latent\n4\n5\n");
    let path = folder.path().join("exp.toml");
    let no_parquet = |_: &[u8]| Err("none here".to_owned());
    let read = || Sources::read(&path, None, Vec::new(), &no_parquet).unwrap();
    let sources = read();
    let manifest = good(&sources);
    let latents: Vec<usize> = manifest
        .points
        .iter()
        .map(|point| point.vae.latent)
        .collect();
    assert_eq!(latents, [4, 5]);
    assert_eq!(sources.texts().len(), 3);

    let digest = sources.blake3();
    write("shared/trials.csv", "vae.latent\n4\n6\n");
    let table_changed = read().blake3();
    write(
        "shared/base.toml",
        &format!("# more\n{MODEL}[sweep]\ntable = \"trials.csv\"\n"),
    );
    let base_changed = read().blake3();
    assert!(digest != table_changed && table_changed != base_changed);
    // Of one file it is what `b3sum` prints.
    write("exp.toml", MODEL);
    assert_eq!(
        read().blake3(),
        blake3::hash(MODEL.as_bytes()).to_hex().to_string()
    );
}

/// A folder with these files, and its path without links.
fn folder_with(files: &[(&str, &str)]) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().canonicalize().unwrap();
    for (name, text) in files {
        let path = root.join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    (folder, root)
}

fn read(path: &Path) -> Sources {
    let no_parquet = |_: &[u8]| Err("none here".to_owned());
    Sources::read(path, None, Vec::new(), &no_parquet).unwrap()
}

#[test]
fn a_file_is_the_same_by_whatever_path_it_is_named() {
    let (_folder, root) = folder_with(&[("sub/c.toml", "[sampling]\nsamples = 333\n")]);
    let write = |name: &str, text: &str| std::fs::write(root.join(name), text).unwrap();
    write("base.toml", MODEL);
    write("a.toml", "extend = \"base.toml\"\n[vae]\nlatent = 4\n");
    let absolute = root.join("base.toml").display().to_string();
    for other in ["sub/../base.toml", &absolute] {
        write(
            "b.toml",
            &format!("extend = '{other}'\n[vae]\nhidden = [5]\n"),
        );
        write("exp.toml", "extend = [\"a.toml\", \"b.toml\"]\n");
        let sources = read(&root.join("exp.toml"));
        assert_eq!(sources.extended.len(), 3, "{other}");
        // The base says 3; it must not come a second time above `a.toml`.
        let vae = &good(&sources).points[0].vae;
        assert_eq!((vae.latent, &vae.hidden[..]), (4, &[5][..]), "{other}");
    }
    // A circle is found at its first turn, and none is where a file comes twice.
    let own = root.join("exp.toml").display().to_string();
    for own in ["sub/../exp.toml", &own] {
        write("exp.toml", &format!("extend = '{own}'\n"));
        let problem = only(&read(&root.join("exp.toml")));
        assert!(problem.found.contains("in turn"), "{problem}");
    }
    write("exp.toml", "extend = \"a.toml\"\n");
    write("a.toml", "extend = \"sub/../b.toml\"\n");
    write("b.toml", "extend = \"sub/../a.toml\"\n");
    let problem = only(&read(&root.join("exp.toml")));
    assert!(problem.found.contains("in turn"), "{problem}");
    assert!(place(&problem).ends_with("b.toml:1:10"), "{problem}");
}

#[cfg(unix)]
#[test]
fn dots_behind_a_link_lead_where_the_system_says() {
    let (_folder, root) = folder_with(&[
        ("there/deep/x.toml", ""),
        ("there/base.toml", "[vae]\nlatent = 5\n"),
        ("base.toml", MODEL),
        (
            "exp.toml",
            "extend = [\"base.toml\", \"link/../base.toml\"]\n",
        ),
    ]);
    std::os::unix::fs::symlink(root.join("there/deep"), root.join("link")).unwrap();
    // `link/..` is `there`, whatever the text of the path looks like.
    let sources = read(&root.join("exp.toml"));
    assert_eq!(good(&sources).points[0].vae.latent, 5);
}

#[test]
fn a_table_that_is_named_in_two_ways_is_read_once() {
    let (_folder, root) = folder_with(&[
        ("trials.csv", "vae.latent\n4\n5\n"),
        ("sub/x", ""),
        ("exp.toml", ""),
    ]);
    let sweep = "[[sweep.union]]\ntable = \"trials.csv\"\n[[sweep.union]]\n\
                 table = \"sub/../trials.csv\"\nmodel.temperature = [2]\n";
    std::fs::write(root.join("exp.toml"), format!("{MODEL}{sweep}")).unwrap();
    let sources = read(&root.join("exp.toml"));
    assert_eq!(sources.tables.len(), 1);
    assert_eq!(good(&sources).points.len(), 4);
}

#[test]
fn reading_stops_where_all_files_together_are_too_large() {
    let names: Vec<String> = (0..9).map(|index| format!("{index}")).collect();
    let list = |extension: &str| {
        let names = names.iter().map(|name| format!("\"{name}.{extension}\""));
        names.collect::<Vec<_>>()
    };
    let tables = list("csv");
    let tables = tables
        .iter()
        .map(|name| format!("[[sweep.union]]\ntable = {name}"));
    let tables = tables.collect::<Vec<_>>().join("\n");
    let (_folder, root) = folder_with(&[
        ("few.toml", &format!("{MODEL}{tables}")),
        (
            "many.toml",
            &format!("extend = [{}]\n", list("toml").join(", ")),
        ),
    ]);
    for name in &names {
        for (extension, mebibytes) in [("toml", 5), ("csv", 15)] {
            let file = std::fs::File::create(root.join(format!("{name}.{extension}"))).unwrap();
            file.set_len(mebibytes << 20).unwrap();
        }
    }
    let many = read(&root.join("many.toml"));
    assert_eq!(many.extended.len(), 4, "the fourth is beyond 16 MiB");
    assert!(only(&many).found.contains("bytes of extended files"));
    let few = read(&root.join("few.toml"));
    let readable = few.tables.iter().filter(|table| table.content.is_ok());
    assert_eq!(readable.count(), 4, "the fifth is beyond 64 MiB");
    let reason = few.tables[8].content.clone().unwrap_err();
    assert!(reason.contains("more than 64 MiB"), "{reason}");
}

/// What is no file is refused; a pipe that nobody writes to would be waited for.
#[cfg(unix)]
#[test]
fn pipes_and_devices_are_refused_and_not_waited_for() {
    let (_folder, root) = folder_with(&[
        ("extends.toml", "extend = \"pipe.toml\"\n"),
        (
            "sweeps.toml",
            &format!("{MODEL}[sweep]\ntable = \"pipe.csv\"\n"),
        ),
        ("device.toml", "extend = \"/dev/null\"\n"),
        ("folder.toml", "extend = \".\"\n"),
    ]);
    for pipe in ["pipe.toml", "pipe.csv"] {
        let made = Command::new("mkfifo").arg(root.join(pipe)).status();
        assert!(made.unwrap().success());
    }
    for (name, code) in [
        ("extends", "manifest::bad_extend"),
        ("sweeps", "manifest::bad_table"),
        ("device", "manifest::bad_extend"),
        ("folder", "manifest::bad_extend"),
    ] {
        let path = root.join(format!("{name}.toml"));
        let (send, receive) = std::sync::mpsc::channel();
        std::thread::spawn(move || drop(send.send(read(&path))));
        let sources = receive.recv_timeout(Duration::from_mins(1));
        let problem = only(&sources.unwrap_or_else(|_| panic!("{name}: it waits")));
        assert_eq!(problem.code, code, "{name}");
        assert!(problem.found.contains("no regular file"), "{problem}");
    }
    // The manifest itself may come through a pipe.
    let written = root.join("pipe.toml");
    std::thread::spawn(move || std::fs::write(written, MODEL));
    good(&read(&root.join("pipe.toml")));
}

#[test]
fn another_version_is_told_before_all_else() {
    let newer = format!("required-version = \">=99\"\nshiny = 3\n{MODEL}hiden = [3]\n");
    let problem = only(&sources(&newer));
    assert_eq!(
        (problem.code, line(&problem)),
        ("manifest::required_version", 1)
    );
    assert!(
        problem.found.contains(env!("CARGO_PKG_VERSION")),
        "{problem}"
    );
    assert!(problem.expected.contains(">=99"), "{problem}");
    assert!(problem.help.is_some());
    // In a file below just so.
    let base = format!("required-version = \"<0.0.1\"\n{MODEL}");
    let problem = only(&extending(
        "extend = \"base.toml\"\nshiny = 3\n",
        &[("runs/base.toml", &base)],
    ));
    assert_eq!(place(&problem), "runs/base.toml:1:20");
}

#[test]
fn versions_that_fit_are_no_problem_and_texts_that_are_none_are() {
    let own = env!("CARGO_PKG_VERSION");
    for fits in [format!("={own}"), ">=0.0.1, <99".to_owned(), "*".to_owned()] {
        good(&sources(&format!("required-version = \"{fits}\"\n{MODEL}")));
    }
    for wrong in ["\"new\"", "\"\"", "3", "[\"1\"]"] {
        let problem = only(&sources(&format!(
            "required-version = {wrong}\n{MODEL}shiny = 3\n"
        )));
        assert_eq!(problem.code, "manifest::bad_version", "{wrong}");
        assert!(
            problem.help.unwrap().contains("required-version ="),
            "{wrong}"
        );
    }
}
