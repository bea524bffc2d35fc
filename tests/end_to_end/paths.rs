//! What a playbook names stays where the host lets it read, starts at the file that names it, and is a file that ends.

use std::fs;
use std::os::unix::fs::symlink;
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use crate::bench::{Place, command, csv, home, playbook, succeed};
use crate::cli::orders;

/// What lies outside and must not be shown.
const SECRET: &str = "customer,date,total\nsecret-word,2026-06-01,1.00\n";

/// The playbook over orders, with another path of its source.
fn reads(place: &Place, path: &str) -> PathBuf {
    let file = place.beside("brand/orders.toml");
    let text = fs::read_to_string(&file).unwrap();
    let (before, after) = text.split_once("path = \"").unwrap();
    let (_, after) = after.split_once('"').unwrap();
    fs::write(&file, format!("{before}path = \"{path}\"{after}")).unwrap();
    file
}

/// A brand's folder with its playbook and orders, and what lies outside it.
fn brand() -> Place {
    let mut place = Place::new();
    orders(&place, "");
    fs::create_dir(place.beside("brand")).unwrap();
    for name in ["orders.toml", "orders.csv"] {
        fs::rename(place.beside(name), place.beside(&format!("brand/{name}"))).unwrap();
    }
    let text = fs::read_to_string(place.beside("brand/orders.toml")).unwrap();
    let text = text.replace("event = ", "format = \"csv\"\nevent = ");
    fs::write(place.beside("brand/orders.toml"), text).unwrap();
    fs::create_dir(place.beside("outside")).unwrap();
    fs::write(place.beside("outside/secret.csv"), SECRET).unwrap();
    symlink(place.beside("outside/secret.csv"), place.beside("brand/link.csv")).unwrap();
    symlink(place.beside("outside"), place.beside("brand/linked")).unwrap();
    place.out = place.beside("out");
    place
}

fn run(place: &Place, file: &Path, more: &[&str]) -> Output {
    let mut call = command(["run".as_ref(), file.as_os_str()]);
    call.arg("--out").arg(&place.out).arg("--state").arg(&place.state).args(more).output().unwrap()
}

#[test]
fn sources_stay_inside_the_data_folder_unless_the_host_lets_them_out() {
    let place = brand();
    let absolute = place.beside("outside/secret.csv").to_str().unwrap().to_owned();
    let paths = [
        "/proc/self/environ",
        &absolute,
        "../outside/secret.csv",
        "../outside/*.csv",
        "../*/secret.csv",
        "./linked/../outside/secret.csv",
        "link.csv",
        "l*.csv",
        "linked/secret.csv",
        "linked/*.csv",
        "**/secret.csv",
        "../outside/nothing.csv",
    ];
    for path in paths {
        let call = run(&place, &reads(&place, path), &[]);
        let said = String::from_utf8_lossy(&call.stderr).into_owned();
        assert_eq!(call.status.code(), Some(1), "{path}: {said}");
        let outside = said.contains("outside the data folder") && said.contains("--data-also");
        // A pattern that follows no link finds nothing.
        assert!(outside || path.starts_with("**") && said.contains("no file"), "{path}: {said}");
        assert!(!said.contains("secret-word") && !said.contains("PATH="), "{path}: {said}");
    }
    // An absolute path that leads inside is as good as another.
    let inside = place.beside("brand/orders.csv");
    succeed(&run(&place, &reads(&place, inside.to_str().unwrap()), &[]));

    let also = place.beside("outside");
    let also = ["--data-also", also.to_str().unwrap()];
    for path in ["link.csv", "../outside/*.csv", &absolute] {
        succeed(&run(&place, &reads(&place, path), &also));
    }
    let said = succeed(&command(["replay"]).arg(&place.out).output().unwrap());
    assert!(said.contains("not a byte differs"), "{said}");
}

#[test]
fn a_link_among_playbook_files_shows_nothing_of_other_files() {
    let place = brand();
    fs::write(place.beside("outside/key"), "secret-word = [").unwrap();
    symlink(place.beside("outside/key"), place.beside("brand/base.toml")).unwrap();
    let file = place.beside("brand/own.toml");
    fs::write(&file, "extends = \"base.toml\"\n").unwrap();
    let call = command(["check"]).arg(&file).output().unwrap();
    let said = String::from_utf8_lossy(&call.stderr).into_owned();
    assert_eq!(call.status.code(), Some(3));
    assert!(said.contains("link to a file of another kind"), "{said}");
    assert!(!said.contains("secret-word"), "{said}");
}

#[test]
fn a_component_is_looked_for_from_the_file_that_names_it() {
    let place = brand();
    let text = fs::read_to_string(place.beside("brand/orders.toml")).unwrap();
    fs::create_dir_all(place.beside("brand/base/own")).unwrap();
    let component = home().join("plugins/value-rfm@0.1.0.wasm");
    fs::copy(component, place.beside("brand/base/own/value.wasm")).unwrap();
    let (head, _) = text.split_once("[[stage]]").unwrap();
    fs::write(place.beside("brand/orders.toml"), format!("extends = \"base/base.toml\"\n{head}"))
        .unwrap();
    let stage = "[[stage]]\nname = \"value\"\nkind = \"scoring\"\nplugin = \"own/value.wasm\"\n";
    fs::write(place.beside("brand/base/base.toml"), stage).unwrap();
    let file = place.beside("brand/orders.toml");
    for folder in [place.beside("outside"), place.beside("brand"), place.beside("brand/base")] {
        let call = command(["check"]).arg(&file).current_dir(&folder).output().unwrap();
        assert!(succeed(&call).contains("in order"), "{}", folder.display());
    }
    // What is typed starts where it is typed.
    let call = command(["diff", "--swap", "value=own/value.wasm"])
        .arg(&file)
        .current_dir(place.beside("brand/base"))
        .output()
        .unwrap();
    succeed(&call);
}

/// Ends a call that waits, and fails the test then.
#[track_caller]
fn ended(call: &mut Command) -> String {
    let mut child = call.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let began = Instant::now();
    while child.try_wait().unwrap().is_none() {
        if began.elapsed() > Duration::from_secs(30) {
            child.kill().unwrap();
            panic!("the call waits for a pipe");
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    let call = child.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&call.stderr).into_owned();
    assert!(!call.status.success(), "{said}");
    assert!(said.contains("a pipe, a socket or a device"), "{said}");
    said
}

#[test]
fn pipes_sockets_and_devices_are_refused_wherever_a_file_is_read() {
    let place = brand();
    let pipe = |name: &str| {
        let path = place.beside(name);
        assert!(Command::new("mkfifo").arg(&path).status().unwrap().success());
        path
    };
    let out = place.out.to_str().unwrap().to_owned();

    // Sources: by name, by pattern, through a link.
    pipe("brand/pipe.csv");
    let _socket = UnixListener::bind(place.beside("brand/socket.csv")).unwrap();
    symlink("/dev/zero", place.beside("brand/zero.csv")).unwrap();
    for path in ["pipe.csv", "p*.csv", "socket.csv"] {
        let file = reads(&place, path);
        let said = ended(command(["run", "--out", &out]).arg(&file));
        assert!(said.contains(".csv"), "{said}");
    }
    let file = reads(&place, "zero.csv");
    ended(command(["run", "--data-also", "/dev", "--out", &out]).arg(&file));

    // Playbook files and what they stand on, components.
    let file = pipe("brand/pipe.toml");
    ended(command(["check"]).arg(&file));
    let own = place.beside("brand/own.toml");
    fs::write(&own, "include = [\"pipe.toml\"]\n").unwrap();
    ended(command(["check"]).arg(&own));
    let component = pipe("brand/pipe.wasm");
    let text = fs::read_to_string(place.beside("brand/orders.toml")).unwrap();
    fs::write(&own, text.replace("\"value-rfm\"", "\"./pipe.wasm\"")).unwrap();
    ended(command(["check"]).arg(&own));
    ended(command(["plugin", "install"]).arg(&component));
    ended(command(["plugin", "inspect"]).arg(&component));
    ended(command(["plugin", "test"]).arg(&component));

    // Folders of runs, lists.
    fs::create_dir(place.beside("run")).unwrap();
    pipe("run/run.json");
    ended(command(["replay"]).arg(place.beside("run")));
    ended(command(["explain", "--member", "A"]).arg(place.beside("run")));
    let done = reads(&place, "orders.csv");
    succeed(&run(&place, &done, &[]));
    let list = pipe("list.csv");
    ended(command(["ledger", "settle", "--grants"]).arg(&list).arg(&place.out));
    ended(command(["ledger", "settle", "--action", "a/b", "--members"]).arg(&list).arg(&place.out));
}

#[test]
fn too_many_rejects_show_the_first_and_all_are_kept() {
    let place = brand();
    let rows: String =
        (1..=9).map(|n| format!("A,2026-06-01,{n}x\u{1b}{}\n", "y".repeat(90))).collect();
    let file = place.beside("brand/orders.csv");
    fs::write(file, format!("customer,date,total\nB,2026-06-01,1.00\n{rows}")).unwrap();
    let file = reads(&place, "orders.csv");
    let call = run(&place, &file, &["--json"]);
    let said = String::from_utf8_lossy(&call.stderr).into_owned();
    assert_eq!(call.status.code(), Some(1), "{said}");
    assert!(said.contains("9 of 10 rows"), "{said}");
    for line in 3..8 {
        let shown = said.lines().find(|l| l.contains(&format!("orders.csv, line {line}:")));
        let shown = shown.unwrap_or_else(|| panic!("line {line} is not shown: {said}"));
        let value = format!("`{}x\\u{{1b}}yyy", line - 2);
        assert!(shown.contains("`total`") && shown.contains(&value), "{shown}");
        assert!(shown.len() < 160, "{shown}");
    }
    assert!(!said.contains("line 8:"), "{said}");

    let kept = place.beside("out.rejected/rejects.csv");
    assert!(said.contains(kept.to_str().unwrap()), "{said}");
    let rows = csv(&kept);
    assert_eq!(rows.len(), 9);
    assert_eq!((&*rows[8]["line"], &*rows[8]["file"]), ("11", "orders.csv"));
    assert!(rows[8]["value"].starts_with("9x\u{1b}y"), "{:?}", rows[8]);
    assert!(!place.out.exists());
    let answer: serde_json::Value = serde_json::from_slice(&call.stdout).unwrap();
    assert!(answer["error"]["causes"][0].as_str().unwrap().contains("line 3"), "{answer}");

    // A run that cannot read its data writes nothing else, and a comparison nothing at all.
    fs::remove_dir_all(place.beside("out.rejected")).unwrap();
    assert!(!playbook(["diff".as_ref(), file.as_os_str(), file.as_os_str()]).status.success());
    assert!(!place.beside("out.rejected").exists());
}

#[test]
fn a_file_that_cannot_grow_is_named() {
    let place = brand();
    let file = reads(&place, "orders.csv");
    let program = command(["run", "--out"]);
    let mut fails = 0;
    // Blocks of 512 bytes that a file may have; a program that ignores the signal gets an error, as on a full disk.
    for blocks in [32, 64, 96, 128, 192, 256] {
        let mut call = Command::new("sh");
        call.arg("-c").arg(format!("trap '' XFSZ; ulimit -f {blocks}; exec \"$0\" \"$@\""));
        call.arg(program.get_program()).args(program.get_args()).arg(&place.out).arg(&file);
        call.args(["--state".as_ref(), place.state.as_os_str()]).env("TMPDIR", place.dir.path());
        let call = call.output().unwrap();
        if call.status.success() {
            break;
        }
        fails += 1;
        let said = String::from_utf8_lossy(&call.stderr).into_owned();
        let folder = place.dir.path().to_str().unwrap();
        assert_eq!(call.status.code(), Some(1), "{blocks}: {said}");
        assert!(said.contains(&format!("`{folder}/")), "{blocks} blocks: no file is named: {said}");
        drop(fs::remove_dir_all(&place.state));
    }
    assert!(fails > 2, "{fails} runs failed");
}
