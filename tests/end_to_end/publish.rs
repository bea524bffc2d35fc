//! Plugins on their way from an author to a host: pushed, signed, compared, pulled, trusted or refused, and run without the
//! registry.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::process::{Command, Output};

use playbook_model::ArtefactRef;
use playbook_registry::{About, Bounds, Credentials, Push, Registry};
use serde_json::Value;

use crate::bench::{Place, error, home, succeed};
use crate::cli::orders;
use crate::serve::Service;
use crate::started::PASSWORD;
use crate::started::oci::{OciRegistry, USER};

/// A machine: its home folder, and folders of runs.
struct Machine {
    place: Place,
}

impl Machine {
    fn new() -> Self {
        let place = Place::new();
        fs::create_dir_all(place.beside("home")).unwrap();
        Self { place }
    }

    fn command<I: AsRef<std::ffi::OsStr>>(
        &self,
        arguments: impl IntoIterator<Item = I>,
    ) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_playbook"));
        command.arg("--home").arg(self.place.beside("home")).args(arguments).env("NO_COLOR", "1");
        command.env_remove("PLAYBOOK_HOME").env("DOCKER_CONFIG", self.place.beside("no-docker"));
        command.current_dir(self.place.dir.path());
        command
    }

    fn call(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }

    fn json(&self, arguments: &[&str]) -> Value {
        let call = self.command(arguments).arg("--json").output().unwrap();
        serde_json::from_str(&succeed(&call)).unwrap()
    }

    /// Makes a key; returns its public one.
    fn key(&self, name: &str) -> String {
        self.json(&["plugin", "keygen", name])["public_key"].as_str().unwrap().to_owned()
    }

    fn trusts(&self, text: &str) {
        fs::write(self.place.beside("home/host.toml"), text).unwrap();
    }

    /// A run of the small playbook with a plugin named so.
    fn run(&self, plugin: &str, out: &str) -> Output {
        let file = self.playbook(plugin);
        let mut call = self.command(["run".as_ref(), file.as_os_str()]);
        call.arg("--state").arg(&self.place.state).arg("--out").arg(self.place.beside(out));
        call.output().unwrap()
    }

    fn playbook(&self, plugin: &str) -> PathBuf {
        let file = orders(&self.place, "");
        let text = fs::read_to_string(&file).unwrap();
        fs::write(&file, text.replace("\"value-rfm\"", &format!("\"{plugin}\""))).unwrap();
        file
    }
}

fn publisher(key: &str) -> String {
    format!("[[trust.publisher]]\nplugins = [\"value-*\"]\nkeys = [\"{key}\"]\n")
}

fn component() -> PathBuf {
    home().join("plugins/value-rfm@0.1.0.wasm")
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_else(|| panic!("{value}"))
}

/// The component with other bytes at the first place where a change makes it say so.
fn changed(
    machine: &Machine,
    name: &str,
    from: &str,
    to: &str,
    says: impl Fn(&Value) -> bool,
) -> PathBuf {
    assert_eq!(from.len(), to.len());
    let bytes =
        fs::read(machine.place.beside("start.wasm")).or_else(|_| fs::read(component())).unwrap();
    let file = machine.place.beside(name);
    let places =
        (0..bytes.len() - from.len()).filter(|at| bytes[*at..].starts_with(from.as_bytes()));
    for at in places {
        let mut other = bytes.clone();
        other[at..at + to.len()].copy_from_slice(to.as_bytes());
        fs::write(&file, other).unwrap();
        let call = machine.command(["plugin", "inspect", "--json"]).arg(&file).output().unwrap();
        if call.status.success() && says(&serde_json::from_slice(&call.stdout).unwrap()) {
            return file;
        }
    }
    panic!("`{from}` is nowhere in the component where it counts");
}

#[test]
fn a_plugin_is_published_trusted_and_run_without_its_registry() {
    let mut registry = OciRegistry::start();
    let (author, host) = (Machine::new(), Machine::new());
    let key = author.key("acme.key");
    let mode = fs::metadata(author.place.beside("acme.key")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    assert_eq!(fs::read_to_string(author.place.beside("acme.key.pub")).unwrap().trim(), key);
    let repository = format!("oci://{}/acme/value-rfm", registry.host());
    let component = component();
    let push = ["plugin", "push", component.to_str().unwrap(), &repository, "--key", "acme.key"];
    let pushed = author.json(&push);
    let artefact = text(&pushed["artefact"]);
    assert_eq!(pushed["signed_by"][0], key.as_str());
    assert_eq!(author.json(&push)["was_there"], true);

    host.trusts(&publisher(&key));
    let pulled = host.json(&["plugin", "pull", &format!("{repository}:0.1.0")]);
    assert_eq!(pulled["artefact"], artefact);
    assert!(text(&pulled["verdict"]).contains(&format!("signed by {key}")), "{pulled}");
    let fresh = Machine::new();
    fresh.trusts(&publisher(&key));
    succeed(&fresh.run(artefact, "first"));
    let said = succeed(&fresh.call(&["plugin", "verify", artefact]));
    assert!(said.contains("which this host trusts with the name"), "{said}");
    registry.kill();
    // With the registry gone: a run, its replay, a service.
    for machine in [&host, &fresh] {
        succeed(&machine.run(artefact, "second"));
    }
    let out = fresh.place.beside("second");
    succeed(&fresh.call(&["replay", out.to_str().unwrap()]));
    let mut call = fresh.command(["serve"]);
    call.arg(fresh.playbook(artefact)).args(["--listen", "127.0.0.1:0", "--data", "served"]);
    let service = Service::called(call);
    drop(service);
    let told = error(&Machine::new().run(artefact, "third"));
    assert!(told.contains("cannot be reached") && told.contains("orders.toml:"), "{told}");
}

#[test]
fn what_nobody_trusted_signed_runs_by_no_way() {
    let registry = OciRegistry::start();
    let author = Machine::new();
    let (key, other) = (author.key("acme.key"), author.key("other.key"));
    let repository = format!("oci://{}/acme/value-rfm", registry.host());
    let component = component();
    let pushed = author.json(&["plugin", "push", component.to_str().unwrap(), &repository]);
    let artefact = text(&pushed["artefact"]);

    let host = Machine::new();
    host.trusts(&publisher(&key));
    let refused = |plugin: &str, what: &str| {
        let told = error(&host.run(plugin, "refused"));
        // Lines of a diagnostic are broken where it is narrow.
        let told = told.replace(['\n', '│'], " ").split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(told.contains(what) && told.contains("value-rfm"), "{told}");
    };
    refused(artefact, "is not signed");
    refused(component.to_str().unwrap(), "is not signed");
    succeed(&host.call(&["plugin", "install", component.to_str().unwrap()]));
    refused("value-rfm@^0.1", "is not signed");
    succeed(&author.call(&["plugin", "sign", artefact, "--key", "other.key"]));
    refused(artefact, &format!("is signed by {other}"));
    let told = error(&host.call(&["plugin", "verify", artefact]));
    assert!(told.contains(&other) && told.contains(&key), "{told}");
    // Files of the host may be named as such; what comes of a registry may not.
    host.trusts(&format!("[trust]\nunsigned = [\"value-rfm\"]\n{}", publisher(&key)));
    succeed(&host.run("value-rfm@^0.1", "own"));
    refused(artefact, "is signed by");
    // Once its publisher signed it, every way is open.
    host.trusts(&publisher(&key));
    succeed(&author.call(&["plugin", "sign", artefact, "--key", "acme.key"]));
    succeed(&host.run(artefact, "signed"));
    succeed(&host.run("value-rfm@^0.1", "installed"));
    // A policy that cannot be read lets nothing in.
    host.trusts("[trust]\nunsigned = [1]\n");
    let told = error(&host.run("value-rfm@^0.1", "unread"));
    assert!(told.contains("host.toml"), "{told}");
}

#[test]
fn a_manifest_vouches_for_no_other_plugin() {
    let registry = OciRegistry::start();
    let host = Machine::new();
    let repository = ArtefactRef::parse(&format!("oci://{}/acme/score", registry.host())).unwrap();
    let about =
        About { name: "acme-score".to_owned(), version: "1.0.0".to_owned(), ..About::default() };
    let bytes = fs::read(component()).unwrap();
    let push = Push {
        repository: &repository,
        component: &bytes,
        about: &about,
        key: None,
        replace: false,
    };
    let pushed =
        Registry::new(Bounds::default(), Credentials::default()).unwrap().push(&push).unwrap();
    let told = error(&host.call(&["plugin", "pull", &pushed.reference.to_string()]));
    assert!(told.contains("says that it is acme-score 1.0.0, and holds value-rfm 0.1.0"), "{told}");
    let told = error(&host.run(&pushed.reference.to_string(), "out"));
    assert!(told.contains("acme-score 1.0.0"), "{told}");
}

#[test]
fn a_version_that_breaks_playbooks_is_not_pushed_as_a_compatible_one() {
    let registry = OciRegistry::start();
    let author = Machine::new();
    let repository = format!("oci://{}/acme/value-rfm", registry.host());
    let component = component();
    let component = component.to_str().unwrap();
    let next = changed(&author, "start.wasm", "0.1.0", "0.1.1", |said| said["version"] == "0.1.1");
    let next = next.to_str().unwrap();
    let said = author.json(&["plugin", "compare", component, next]);
    assert_eq!(
        (&said["weight"], &said["version_is_enough"]),
        (&"fix".into(), &true.into()),
        "{said}"
    );
    let inspected = author.json(&["plugin", "inspect", component]);
    let settings = inspected["settings_schema"]["properties"].as_object().unwrap();
    let setting = settings.keys().next().unwrap();
    let other = format!("{}Q", &setting[..setting.len() - 1]);
    let (from, to) = (format!("\"{setting}\":"), format!("\"{other}\":"));
    let breaking = changed(&author, "breaking.wasm", &from, &to, |said| {
        said["settings_schema"]["properties"].get(&other).is_some()
    });
    let breaking = breaking.to_str().unwrap();
    let said = author.json(&["plugin", "compare", component, breaking]);
    assert_eq!(
        (&said["weight"], &said["version_least"]),
        (&"breaking".into(), &"0.2.0".into()),
        "{said}"
    );
    assert_eq!(said["version_is_enough"], false);
    let shown = succeed(&author.call(&["plugin", "compare", component, breaking]));
    assert!(shown.contains("not enough; the least after 0.1.0 is 0.2.0"), "{shown}");

    author.json(&["plugin", "push", component, &repository]);
    let told = error(&author.call(&["plugin", "push", breaking, &repository]));
    assert!(told.contains(&format!("setting `{setting}` is gone")), "{told}");
    assert!(told.contains("call it 0.2.0, or say --breaking"), "{told}");
    author.json(&["plugin", "push", next, &repository]);
    // The same version with other bytes.
    let told = error(&author.call(&["plugin", "push", breaking, &repository, "--breaking"]));
    assert!(told.contains("published already with other bytes"), "{told}");
    author.json(&["plugin", "push", breaking, &repository, "--breaking", "--replace"]);
}

#[test]
fn an_index_can_be_searched() {
    let registry = OciRegistry::start();
    let author = Machine::new();
    author.key("acme.key");
    let component = component();
    let component = component.to_str().unwrap();
    let at = |repository: &str| format!("oci://{}/{repository}", registry.host());
    author.json(&["plugin", "push", component, &at("acme/value-rfm"), "--key", "acme.key"]);
    author.json(&["plugin", "push", component, &at("other/value-rfm")]);
    let search = |words: &[&str]| author.json(&[&["plugin", "search"], words].concat());
    let all = search(&["--registry", &at("").trim_end_matches('/')]);
    assert_eq!(all.as_array().unwrap().len(), 2, "{all}");
    let found = search(&["rfm", "scoring", "--registry", &at("acme")]);
    let [one] = found.as_array().unwrap().as_slice() else { panic!("{found}") };
    assert_eq!(
        (&one["plugin"], &one["version"], &one["kind"]),
        (&"value-rfm".into(), &"0.1.0".into(), &"scoring".into())
    );
    assert!(
        !one["needs"].as_array().unwrap().is_empty() && text(&one["summary"]).len() > 10,
        "{one}"
    );
    assert!(
        text(&one["place"]).contains("@sha256:") && text(&one["signed"]).starts_with("ed25519:"),
        "{one}"
    );
    assert_eq!(search(&["nothing-of-this", "--registry", &at("acme")]), Value::Array(Vec::new()));
    assert_eq!(search(&[]), Value::Array(Vec::new()));
    succeed(&author.call(&["plugin", "install", component]));
    assert_eq!(
        search(&["recency"]).as_array().unwrap().len() + search(&["rfm"]).as_array().unwrap().len(),
        2
    );
    let shown = succeed(&author.call(&["plugin", "search", "--registry", &at("acme")]));
    assert!(shown.contains("value-rfm") && shown.contains("@sha256:"), "{shown}");
}

#[test]
fn a_login_is_taken_of_docker_or_the_environment_and_shown_nowhere() {
    let registry = OciRegistry::with_logins();
    let author = Machine::new();
    let repository = format!("oci://{}/acme/value-rfm", registry.host());
    let component = component();
    let push =
        || author.command(["plugin", "push", component.to_str().unwrap(), &repository, "-vv"]);
    let told = error(&push().output().unwrap());
    assert!(told.contains("docker login"), "{told}");
    let host = registry.host();
    let login = [
        ("PLAYBOOK_REGISTRY", host.as_str()),
        ("PLAYBOOK_REGISTRY_USER", USER),
        ("PLAYBOOK_REGISTRY_PASSWORD", PASSWORD),
    ];
    let told = error(&push().envs(login[..2].iter().copied()).output().unwrap());
    assert!(told.contains("set all of them"), "{told}");
    let said = push().envs(login).output().unwrap();
    succeed(&said);
    let config = registry.docker_config();
    let again = push().env("DOCKER_CONFIG", config.parent().unwrap()).output().unwrap();
    assert!(succeed(&again).contains("was there already"));
    for call in [said, again] {
        let all =
            [call.stdout, call.stderr].map(|bytes| String::from_utf8(bytes).unwrap()).concat();
        assert!(!all.contains(PASSWORD) && !all.to_lowercase().contains("basic "), "{all}");
    }
}

#[test]
fn what_is_wrong_with_a_reference_or_a_key_is_told() {
    let machine = Machine::new();
    machine.key("a.key");
    let component = component();
    let component = component.to_str().unwrap();
    let digest = "b94d27b9934d3e08a52e52d7da7dabfac484efe37a5380ee9088f7ace2efcde9";
    let pinned = format!("oci://127.0.0.1:1/a@sha256:{digest}");
    let cases: [(&[&str], &str); 6] = [
        (&["plugin", "keygen", "a.key"], "never overwritten"),
        (&["plugin", "pull", "registry.example.com/a"], "begins with `oci://`"),
        (&["plugin", "pull", "oci://127.0.0.1:1/a:1.0.0"], "cannot be reached"),
        (&["plugin", "push", component, "oci://127.0.0.1:1/a:1.0.0"], "name the repository alone"),
        (&["plugin", "sign", "oci://127.0.0.1:1/a:1.0.0", "--key", "a.key"], "names no digest"),
        (&["plugin", "sign", &pinned, "--key", "a.key.pub"], "it is a public one"),
    ];
    for (arguments, what) in cases {
        let told = error(&machine.call(arguments));
        assert!(told.contains(what), "{arguments:?}: {told}");
        assert!(told.starts_with("error: "), "{told}");
    }
}
