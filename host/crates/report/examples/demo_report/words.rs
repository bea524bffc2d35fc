//! What several pages are made of.

use playbook_model::{Digest, Words};
use playbook_report::{Currency, FlowEnd};

pub(crate) fn w(en: &str, zh: &str) -> Words {
    Words { en: en.to_owned(), zh: Some(zh.to_owned()) }
}

pub(crate) fn digest(text: &str) -> Digest {
    Digest::of(text.as_bytes())
}

pub(crate) fn currency() -> Currency {
    Currency { code: "CNY".to_owned(), digits: 2 }
}

pub(crate) const SEGMENTS: [(&str, &str, &str, u64, u64, u64, i64); 4] = [
    ("silent", "Silent", "沉默", 52_118, 54_020, 1_204, 41_203_300),
    ("prospect", "Prospect", "潛客", 31_774, 30_115, 9_876, 310_220_875),
    ("active", "Active", "活躍", 12_640, 11_980, 6_120, 402_118_050),
    ("core", "Core", "核心", 3_468, 3_201, 2_305, 398_470_990),
];

pub(crate) fn segment(index: usize) -> FlowEnd {
    FlowEnd::Segment(w(SEGMENTS[index].1, SEGMENTS[index].2))
}
