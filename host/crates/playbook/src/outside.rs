//! Playbooks that came over a network: they name no file of the host that reads them. Files of the host itself may.

use std::path::{Component, Path};

use playbook_model::ArtefactRef;

use crate::merge::is_path;
use crate::problem::{Place, Problem, Sink};
use crate::tree::{Node, Table, Value};

/// Tells of every component that is named by its path, and of every path that leads out of the brand's folder of data.
pub(crate) fn check(root: &Table, sink: &mut Sink) {
    for stage in tables(root, "stage") {
        let named = match stage.get("plugin").map(|node| (node, &node.value)) {
            Some((node, Value::Text(text))) if is_path(text) => Some(node),
            Some((_, Value::Table(plugin))) => plugin.get("path"),
            _ => None,
        };
        if let Some((text, place)) = named.and_then(said) {
            let message = format!("`{text}` would be a component file of the host");
            sink.add(
                Problem::new("bad-path", place, message)
                    .expected("the name of an installed plugin, with a version requirement")
                    .hint(
                        "install the component on the host with `playbook plugin install`, and name it as \
                         plugin = \"value-rfm@^0.1\"; a playbook file of the host may name its path",
                    ),
            );
        }
    }
    for stage in tables(root, "stage") {
        let named = stage.get("plugin").and_then(said);
        let artefact =
            named.and_then(|(text, place)| Some((ArtefactRef::parse(text).ok()?, place)));
        if let Some((artefact, place)) = artefact.filter(|(artefact, _)| artefact.is_loopback()) {
            let message = format!("`{}` would be a service on the host itself", artefact.host);
            sink.add(
                Problem::new("bad-path", place, message)
                    .expected("a registry that is reached over a network, with TLS")
                    .hint("a playbook file of the host may name a registry beside it"),
            );
        }
    }
    for list in ["source", "lookup"] {
        // What a connection leads to is no file of the host.
        let own = tables(root, list).filter(|table| table.get("connection").is_none());
        for (text, place) in own.filter_map(|table| said(table.get("path")?)) {
            if leads_out(text) {
                let message = format!("`{text}` would be a file of the host outside the brand's");
                sink.add(
                    Problem::new("bad-path", place, message)
                        .expected("a path inside the brand's folder of files")
                        .hint("put the file into the folder `files` of the brand on the host, and name it from there"),
                );
            }
        }
    }
}

fn tables<'a>(root: &'a Table, list: &str) -> impl Iterator<Item = &'a Table> {
    root.list(list).iter().filter_map(Node::table)
}

fn said(node: &Node) -> Option<(&str, Place)> {
    Some((node.text()?, node.place))
}

fn leads_out(path: &str) -> bool {
    let mut parts = Path::new(path).components();
    path.contains('\\')
        || parts.any(|part| !matches!(part, Component::Normal(_) | Component::CurDir))
}
