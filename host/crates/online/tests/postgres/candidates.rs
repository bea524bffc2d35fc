//! Candidates over hosts that share a store: each decides on the same members by the same version.

use std::sync::Arc;

use playbook_online::{Brand, Guards, How, SwapError};

use crate::brand::{ask, open, source, welcome};
use crate::together::{aside, until};

/// Digests of the versions that decide on members, at one host.
async fn decides(host: &Brand, once: &str) -> Vec<String> {
    let mut versions = Vec::new();
    for member in 0..40 {
        let made = host.decide(&ask(&format!("m{member}")), once).await.unwrap();
        versions.push(made.decision.version.clone());
    }
    versions
}

fn hows(host: &Brand) -> Vec<How> {
    host.activations().iter().map(|step| step.how).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_candidate_of_one_host_is_the_candidate_of_all() {
    let place = crate::place();
    let hosts = [(), ()].map(|()| Arc::new(open(place.path())));
    welcome(&hosts[0], "m0").await;
    let [one, other] =
        ["next", "after"].map(|name| aside(|| hosts[0].offer(&source(name))).unwrap().digest());
    aside(|| hosts[0].share(&one, 50, Guards::default(), "me")).unwrap();
    aside(|| hosts[1].follow()).unwrap();
    let by_one = decides(&hosts[0], "a").await;
    let by_other = decides(&hosts[1], "b").await;
    assert_eq!(by_one, by_other);
    let drawn = by_one.iter().filter(|version| **version == one.to_string()).count();
    assert!((8..=32).contains(&drawn), "{drawn} of 40");
    let seen = hosts.each_ref().map(|host| host.candidate().unwrap().sides[1].decisions);
    assert_eq!(seen, [drawn as u64, drawn as u64], "each counts what it decided itself");

    // Taken back at the other, which the first has not heard of when it makes another one the candidate.
    aside(|| hosts[1].withdraw("me")).unwrap();
    let none = aside(|| hosts[1].withdraw("me"));
    assert!(matches!(none, Err(SwapError::NoCandidate)));
    aside(|| hosts[0].shadow(&other, "me")).unwrap();
    assert_eq!(hows(&hosts[0]), [How::Shadow, How::Withdrawn, How::Share, How::Start]);
    aside(|| hosts[1].follow()).unwrap();
    assert_eq!(hosts[0].activations(), hosts[1].activations());
    let live = hosts[0].version().digest().to_string();
    for (host, once) in hosts.iter().zip(["c", "d"]) {
        assert!(decides(host, once).await.iter().all(|version| *version == live));
        aside(|| {
            until("the comparison", || host.candidate().unwrap().sides[1].decisions == 40);
        });
    }
    // One that starts has it, too, and an activation anywhere ends it everywhere.
    let third = aside(|| open(place.path()));
    assert_eq!(third.candidate().unwrap().activation.version, other.0);
    aside(|| third.activate(&one, "me", How::Activated, None)).unwrap();
    for host in &hosts {
        aside(|| host.follow()).unwrap();
        assert!(host.candidate().is_none());
        assert_eq!(host.version().digest(), one);
    }
}
