//! What a page promises: it stands alone, nothing breaks out of it, the same values give the same bytes.

#![allow(clippy::unwrap_used, reason = "tests")]

mod values;

use std::collections::BTreeSet;

use playbook_model::{Digest, Kind, Words};
use playbook_report::{
    Absence, BudgetRow, Distribution, FindingRow, FlowEnd, GrantRow, Lang, Report, RoiRow, Section,
    SegmentRow, Segmentation, TimingRow, Told, charts, render, render_diff,
};
use values::{diff_of, report_of};

const HOSTILE: &str = "\"'><script>alert(1)</script><img src=x onerror=alert(1)>\u{202e}\u{0}]]></title></style></svg>{0}&amp;<!--";

fn pages_of(text: &str) -> Vec<String> {
    [Lang::En, Lang::Zh]
        .into_iter()
        .flat_map(|lang| [render(&report_of(text), lang), render_diff(&diff_of(text), lang)])
        .collect()
}

/// A tag of a page: name, attributes, whether it closes.
struct Tag {
    name: String,
    attributes: Vec<(String, String)>,
    closes: bool,
}

/// Reads a page as strictly as a parser that forgives nothing: a `<` that opens no tag is a failure.
fn tags(page: &str) -> Vec<Tag> {
    let mut found = Vec::new();
    let mut rest = page;
    while let Some(at) = rest.find('<') {
        rest = &rest[at + 1..];
        if rest.starts_with("!DOCTYPE html>") {
            continue;
        }
        let closes = rest.starts_with('/');
        let name: String =
            rest.trim_start_matches('/').chars().take_while(char::is_ascii_alphanumeric).collect();
        assert!(!name.is_empty(), "a `<` opens no tag: {}", &rest[..rest.len().min(60)]);
        rest = rest.trim_start_matches('/').strip_prefix(name.as_str()).unwrap();
        let mut attributes = Vec::new();
        loop {
            rest = rest.trim_start_matches([' ', '\n', '/']);
            if let Some(after) = rest.strip_prefix('>') {
                rest = after;
                break;
            }
            let (key, after) = rest.split_once("=\"").unwrap();
            let (value, after) = after.split_once('"').unwrap();
            attributes.push((key.to_owned(), value.to_owned()));
            rest = after;
        }
        if name == "style" && !closes {
            rest = &rest[rest.find("</style>").unwrap()..];
        }
        found.push(Tag { name, attributes, closes });
    }
    found
}

#[test]
fn hostile_texts_open_no_tag_and_no_attribute() {
    let plain: Vec<Vec<Tag>> = pages_of("plain").iter().map(|p| tags(p)).collect();
    for (hostile, plain) in pages_of(HOSTILE).iter().zip(plain) {
        let names =
            |tags: &[Tag]| tags.iter().map(|t| t.name.clone()).collect::<BTreeSet<String>>();
        let keys = |tags: &[Tag]| {
            tags.iter()
                .flat_map(|t| &t.attributes)
                .map(|a| a.0.clone())
                .collect::<BTreeSet<String>>()
        };
        let hostile_tags = tags(hostile);
        assert_eq!(names(&hostile_tags), names(&plain));
        assert_eq!(keys(&hostile_tags), keys(&plain));
        assert!(!hostile.contains('\u{202e}') && !hostile.contains('\u{0}'));
        assert!(hostile.contains("&lt;script&gt;"), "the text itself is still there to be read");
    }
}

#[test]
fn every_tag_is_closed_in_order() {
    for page in pages_of(HOSTILE) {
        let mut open = Vec::new();
        for tag in tags(&page) {
            let void = ["meta", "br"].contains(&tag.name.as_str());
            let drawn = ["rect", "circle", "polygon", "path"].contains(&tag.name.as_str());
            if tag.closes {
                while open.last().is_some_and(|last: &String| *last != tag.name && is_drawn(last)) {
                    open.pop();
                }
                assert_eq!(open.pop().as_deref(), Some(tag.name.as_str()));
            } else if !void {
                if drawn {
                    while open.last().is_some_and(is_drawn) {
                        open.pop();
                    }
                }
                open.push(tag.name);
            }
        }
        assert!(open.is_empty(), "{open:?}");
    }
}

/// Drawn elements may close themselves, which the reader above does not tell apart.
#[expect(clippy::ptr_arg, reason = "used as a predicate over a list of names")]
fn is_drawn(name: &String) -> bool {
    ["rect", "circle", "polygon", "path"].contains(&name.as_str())
}

#[test]
fn page_loads_nothing_and_runs_nothing() {
    for page in pages_of("plain") {
        let outside = page.replace("xmlns=\"http://www.w3.org/2000/svg\"", "");
        for word in [
            "http://",
            "https://",
            "<script",
            "<link",
            "<img",
            "<iframe",
            "@import",
            "url(",
            "javascript:",
        ] {
            assert!(!outside.contains(word), "{word}");
        }
        for tag in tags(&page) {
            for (key, value) in &tag.attributes {
                assert!(!key.starts_with("on") && key != "style" && key != "src", "{key}");
                assert!(key != "href" || value.starts_with('#'), "{value}");
            }
        }
    }
}

#[test]
fn policy_allows_exactly_the_style_of_the_page() {
    for page in pages_of(HOSTILE) {
        let style = page.split_once("<style>").unwrap().1.split_once("</style>").unwrap().0;
        let allowed = page
            .split_once("style-src 'sha256-")
            .or_else(|| page.split_once("style-src &#39;sha256-"));
        let allowed = allowed.unwrap().1.split_once(['\'', '&']).unwrap().0;
        assert_eq!(allowed, base64(&Digest::of(style.as_bytes()).0));
        assert!(page.contains("default-src 'none'"));
        assert_eq!(page.matches("<style").count(), 1);
    }
}

/// Another way to the same letters than the page's own: bit by bit.
fn base64(bytes: &[u8]) -> String {
    let letters: Vec<char> =
        ('A'..='Z').chain('a'..='z').chain('0'..='9').chain(['+', '/']).collect();
    let bits: Vec<u8> = bytes.iter().flat_map(|b| (0..8).rev().map(move |i| b >> i & 1)).collect();
    let mut text: String = bits
        .chunks(6)
        .map(|six| {
            letters
                [(0..6).fold(0, |sum, i| sum << 1 | usize::from(six.get(i).copied().unwrap_or(0)))]
        })
        .collect();
    while !text.len().is_multiple_of(4) {
        text.push('=');
    }
    text
}

#[test]
fn same_values_give_the_same_bytes() {
    assert_eq!(pages_of("plain"), pages_of("plain"));
    let from_thread = std::thread::spawn(|| pages_of("plain")).join().unwrap();
    assert_eq!(pages_of("plain"), from_thread);
}

#[test]
fn ids_are_unique_and_every_reference_is_met() {
    for page in pages_of("plain") {
        let mut ids = BTreeSet::new();
        let mut wanted = BTreeSet::new();
        for tag in tags(&page) {
            for (key, value) in tag.attributes {
                match key.as_str() {
                    "id" => assert!(ids.insert(value.clone()), "{value} twice"),
                    "href" => drop(wanted.insert(value.trim_start_matches('#').to_owned())),
                    "aria-labelledby" => wanted.extend(value.split(' ').map(str::to_owned)),
                    _ => {}
                }
            }
        }
        assert!(wanted.is_subset(&ids), "{:?}", wanted.difference(&ids).collect::<Vec<_>>());
    }
}

#[test]
fn both_languages_have_the_same_structure() {
    let shape =
        |page: &str| tags(page).iter().map(|t| (t.name.clone(), t.closes)).collect::<Vec<_>>();
    let pages = pages_of("plain");
    assert_eq!(shape(&pages[0]), shape(&pages[2]));
    assert_eq!(shape(&pages[1]), shape(&pages[3]));
    assert!(
        pages[0].contains("<html lang=\"en\">") && pages[2].contains("<html lang=\"zh-Hant\">")
    );
    assert!(pages[2].contains("社群健康度") && !pages[2].contains("Community health"));
}

#[test]
fn drawings_are_described_and_have_tables() {
    for page in pages_of("plain") {
        let tags = tags(&page);
        let drawings: Vec<_> = tags.iter().filter(|t| t.name == "svg" && !t.closes).collect();
        assert!(drawings.len() >= 4, "{}", drawings.len());
        for drawing in &drawings {
            for key in ["role", "aria-labelledby", "viewBox"] {
                assert!(drawing.attributes.iter().any(|a| a.0 == key), "{key}");
            }
        }
        assert!(tags.iter().filter(|t| t.name == "desc" && !t.closes).count() == drawings.len());
        assert!(tags.iter().filter(|t| t.name == "table" && !t.closes).count() >= 5);
        assert!(tags.iter().filter(|t| t.name == "h1" && !t.closes).count() == 1);
    }
}

#[test]
fn empty_sections_say_why() {
    let reasons = [
        (Absence::NoStage(Kind::Roi), "no stage of kind “ROI”", "未設「回報」類階段"),
        (Absence::FirstCycle, "no closed earlier cycle", "尚無已關閉的上一週期"),
        (Absence::Nothing, "nothing to report", "沒有可報告的內容"),
        (Absence::NoBudget, "declares no budget", "未聲明預算"),
        (
            Absence::Skipped {
                stage: "worth".to_owned(),
                fault: Words { en: "trapped".to_owned(), zh: None },
            },
            "stage “worth” was left out",
            "「worth」因插件故障",
        ),
        (Absence::OneSideOnly, "only one of the two", "僅一方具備"),
        (
            Absence::Because(Words { en: "so it is".to_owned(), zh: Some("如此".to_owned()) }),
            "so it is",
            "如此",
        ),
    ];
    for (why, en, zh) in reasons {
        let mut report = report_of("plain");
        report.roi = Section::Empty(why);
        let english = render(&report, Lang::En);
        assert!(section(&english, "roi").contains(en), "{en}");
        assert!(section(&render(&report, Lang::Zh), "roi").contains(zh), "{zh}");
    }
}

#[test]
fn report_without_anything_is_a_page_of_reasons() {
    let page = render(&bare(), Lang::En);
    for id in [
        "findings", "segments", "scores", "grants", "budgets", "campaign", "roi", "health",
        "plugins", "intake",
    ] {
        assert!(section(&page, id).contains("class=\"empty\""), "{id}");
    }
}

fn bare() -> Report {
    let mut report = report_of("plain");
    report.data_findings.clear();
    report.indicators.clear();
    report.tables.clear();
    report.findings = Section::Filled(vec![]);
    report.segmentation = Section::Empty(Absence::NoStage(Kind::Segmentation));
    report.scores = Section::Filled(vec![]);
    report.incentives = Section::Empty(Absence::NoStage(Kind::Incentive));
    report.budgets = Section::Filled(vec![]);
    report.campaign = Section::Empty(Absence::NoStage(Kind::Campaign));
    report.roi = Section::Empty(Absence::NoStage(Kind::Roi));
    report.health = Section::Empty(Absence::NoStage(Kind::Diagnosis));
    report.plugins.clear();
    report.intake.clear();
    report
}

fn section<'p>(page: &'p str, id: &str) -> &'p str {
    let rest = page.split_once(&format!("<section id=\"{id}\"")).unwrap().1;
    rest.split_once("</section>").unwrap().0
}

#[test]
fn what_of_the_data_would_mislead_comes_first_or_not_at_all() {
    for lang in [Lang::En, Lang::Zh] {
        for page in [render(&report_of("plain"), lang), render_diff(&diff_of("plain"), lang)] {
            let first = page.split_once("<section id=\"").unwrap().1;
            assert!(first.starts_with("data\""), "{}", &first[..80]);
            assert!(section(&page, "data").contains("1,234"));
            assert!(page.contains("href=\"#data\""));
        }
        let page = render(&bare(), lang);
        assert!(!page.contains("id=\"data\"") && !page.contains("#data\""));
    }
}

#[test]
fn wall_times_are_shown_only_where_they_are_passed() {
    let mut report = report_of("plain");
    let without = render(&report, Lang::En);
    assert!(!without.contains("Milliseconds") && !without.contains("id=\"timings\""));
    report.plugins[0].wall_ms = Some(12.25);
    report.timings = Some(vec![TimingRow { part: "features".to_owned(), ms: 1_803.4 }]);
    let with = render(&report, Lang::En);
    assert!(
        section(&with, "plugins").contains("12.2") && section(&with, "timings").contains("1,803.4")
    );
}

#[test]
fn money_is_written_from_minor_units_with_separators() {
    let page = render(&report_of("plain"), Lang::En);
    assert!(
        section(&page, "summary").contains("1,234,567"),
        "large amounts on tiles drop minor units"
    );
    assert!(section(&page, "roi").contains("1,234,567.89"));
    assert!(section(&page, "budgets").contains("−0.05"));
}

#[test]
fn findings_come_most_urgent_first() {
    let page = render(&report_of("plain"), Lang::En);
    let findings = section(&page, "findings");
    let place = |word: &str| findings.find(word).unwrap();
    assert!(place("■ critical") < place("▲ warning") && place("▲ warning") < place("○ watch"));
}

#[test]
fn a_campaign_says_that_it_is_a_plan_and_what_it_had() {
    let pages = pages_of("USD");
    let plan = section(&pages[0], "campaign");
    for part in ["A plan of USD 100.00", "the pool had USD 500.00", "account USD 250.00"] {
        assert!(plan.contains(part), "{part}");
    }
    assert!(plan.contains("GR-7 lets the stage take USD 100.00"));
    assert!(section(&pages[2], "campaign").contains("未預留任何款項"));
}

#[test]
fn y047_goals_say_how_they_stand_and_what_they_serve() {
    let report = report_of("plain");
    let goals = section(&render(&report, Lang::En), "goals").to_owned();
    for words in ["reached", "late", "no data", "By month and quarter", "1,150", "20,000.00"] {
        assert!(goals.contains(words), "{words}: {goals}");
    }
    // 1, 0.25 and what is not known, of which one is reached.
    assert!(goals.contains("plain: 1 of 3 key results reached, 41.7% of the way on average"));
    assert_eq!(goals.matches('●').count(), 4);
    assert!(goals.contains("Nothing serves: nobody's"), "{goals}");
    assert!(section(&render(&report, Lang::Zh), "goals").contains("目標對齊矩陣"));
}

#[test]
fn y047_a_form_that_nobody_filled_in_is_due() {
    let mut report = report_of("plain");
    report.targets[0].form = true;
    assert!(!section(&render(&report, Lang::En), "targets").contains(">due<"));
    report.targets[0].value = None;
    report.targets[0].state = playbook_model::TargetState::NoData;
    let page = render(&report, Lang::En);
    let targets = section(&page, "targets");
    assert!(targets.contains(">due<") && targets.contains("To be filled in by somebody: 1"));
}

#[test]
fn y122_a_curve_shows_each_band_of_each_row() {
    let page = render(&report_of("plain"), Lang::En);
    let curves = section(&page, "curves");
    assert!(curves.contains("id=\"c-curve-0-0-t\""), "{curves}");
    // In the drawing and in the table; a band without anybody has a dash there.
    assert!(curves.matches("31.8%").count() >= 2 && curves.matches("1.2%").count() >= 2);
    assert!(curves.contains("1-3") && curves.contains('–'));
}

#[test]
fn y010_what_was_foreseen_stands_beside_what_came() {
    let mut report = report_of("plain");
    let page = render(&report, Lang::En);
    let curves = section(&page, "curves");
    // Half of the members are off by 0.2, the others are not.
    assert!(
        curves.contains("40 members") && curves.contains("apart by 0.1 on average"),
        "{curves}"
    );
    assert!(curves.contains("id=\"c-forecast-0-t\""));
    report.calibrations[0].groups.clear();
    let page = render(&report, Lang::En);
    assert!(!section(&page, "curves").contains("c-forecast-0"));
}

#[test]
fn y019_effects_are_told_of_each_segment_where_enough_are_held_out() {
    let page = render(&report_of("plain"), Lang::En);
    let segments = section(&page, "segments");
    assert!(segments.contains("15.0% ± 10.4%"), "{segments}");
    assert!(segments.contains("too few held out") && segments.contains("100 / 1"));
}

#[test]
fn every_stage_that_segments_has_its_part() {
    let mut report = report_of("plain");
    let second = Segmentation {
        stage: "clusters".to_owned(),
        plugin: "kmeans 0.1.0".to_owned(),
        ..values::segmentation("second")
    };
    if let Section::Filled(all) = &mut report.segmentation {
        all.push(second);
    }
    let page = render(&report, Lang::En);
    let segments = section(&page, "segments");
    assert!(segments.contains("one segment of each of plain, kmeans 0.1.0"));
    assert!(segments.contains("clusters · kmeans 0.1.0") && segments.contains("second"));
    for id in ["c-segments", "c-segments-1", "c-flows", "c-flows-1"] {
        assert!(segments.contains(&format!("id=\"{id}-t\"")), "{id}");
    }
}

#[test]
fn findings_of_one_rule_are_one_line_with_their_places() {
    let mut report = report_of("plain");
    if let Section::Filled(rows) = &mut report.findings {
        let warning = rows[3].clone();
        let of = |n: u32, place: String| FindingRow {
            place,
            value: Some(f64::from(n) / 100.0),
            ..warning.clone()
        };
        *rows = (0..25).map(|n| of(n, format!("channel-{n}"))).collect();
        rows.push(FindingRow { threshold: Some(0.75), ..of(50, String::new()) });
        rows.push(FindingRow { plugin: "another".to_owned(), ..of(1, "alone".to_owned()) });
    }
    let page = render(&report, Lang::En);
    let findings = section(&page, "findings");
    assert_eq!(findings.matches("▲ warning").count(), 2);
    assert!(findings.contains("<a href=\"#plugins\"><code>another.plain</code></a>"), "{findings}");
    assert!(findings.contains(
        "26 times · channel-0, channel-1, channel-2, channel-3, channel-4, channel-5 and 20 more"
    ));
    assert!(findings.contains("measured 0 – 0.5 · threshold 0.25 – 0.75"));
    // Nothing is dropped: all places are there to be unfolded.
    assert!(findings.contains("<details><summary>All 26</summary>"));
    assert!(findings.contains("channel-24") && findings.contains("whole brand"));
    assert!(findings.contains("alone · measured 0.01 · threshold 0.25 · <a"));
}

#[test]
fn what_was_not_measured_is_folded() {
    let page = render(&report_of("plain"), Lang::En);
    let health = section(&page, "health");
    let folded = health.split_once("<details><summary>Not measured: 1</summary>");
    let (open, folded) = folded.unwrap();
    assert!(open.contains("Indicators that were measured"));
    assert!(folded.split_once("</details>").unwrap().0.contains("<table>"));
}

#[test]
fn rows_without_a_return_are_named_beside_the_figures() {
    let page = render(&report_of("plain"), Lang::En);
    assert!(section(&page, "roi").contains("No return is given for plain: it takes both"));
}

#[test]
fn on_a_telephone_nothing_is_cut() {
    for page in pages_of("plain") {
        let style = page.split_once("<style>").unwrap().1.split_once("</style>").unwrap().0;
        assert!(!style.contains(".chart{min-width"), "drawings shrink");
        assert!(
            style.contains("figure.wide.broad{display:none}")
                && style.contains(".narrow{display:none}")
        );
        let tags: Vec<Tag> = tags(&page).into_iter().filter(|tag| !tag.closes).collect();
        let class = |tag: &Tag| {
            let class = tag.attributes.iter().find(|a| a.0 == "class");
            class.map_or(String::new(), |a| a.1.clone())
        };
        // Every wide drawing has its narrow twin.
        let of = |wanted: &str| tags.iter().filter(|tag| class(tag) == wanted).count();
        assert_eq!(of("wide broad"), of("wide narrow"));
        for (before, tag) in tags.iter().zip(&tags[1..]) {
            assert!(tag.name != "table" || class(before) == "scroll");
            assert!(tag.name != "svg" || before.name == "figure");
        }
        // Each value of a table says its head, under which it stands where rows are written one below the other.
        for table in page.split("<table").skip(1) {
            let table = table.split_once("</table>").unwrap().0;
            let cells = table.split_once("<tbody>").unwrap().1;
            assert_eq!(cells.matches("<td").count(), cells.matches(" data-head=\"").count());
        }
    }
}

#[test]
fn refusals_carry_code_and_words() {
    let pages = pages_of("plain");
    assert!(
        section(&pages[0], "grants").contains("R05")
            && section(&pages[0], "grants").contains("no consent for the purpose")
    );
    assert!(section(&pages[2], "grants").contains("用途未獲同意"));
}

#[test]
fn missing_indicators_are_listed_and_missing_dimensions_not_drawn_as_zero() {
    let page = render(&report_of("plain"), Lang::En);
    let health = section(&page, "health");
    assert!(health.contains("not measured") && health.contains("Too few indicators for:"));
    assert_eq!(health.matches("<circle").count(), 3, "a point for each measured dimension only");
}

#[test]
fn greatest_and_not_finite_values_stay_within_the_page() {
    let mut report = report_of("plain");
    if let Section::Filled(all) = &mut report.segmentation {
        let segmentation = &mut all[0];
        for row in &mut segmentation.segments {
            (row.members, row.members_before, row.grants) = (u64::MAX, Some(u64::MAX), u64::MAX);
        }
        segmentation.unassigned = u64::MAX;
        if let Section::Filled(flows) = &mut segmentation.flows {
            flows.members = vec![vec![u64::MAX; 3]; 2];
            flows.from.push(FlowEnd::Joined);
        }
    }
    if let Section::Filled(campaign) = &mut report.campaign {
        campaign.day_zero = i64::MAX;
        for row in &mut campaign.phases {
            (row.first_day, row.days) = (u32::MAX, u32::MAX);
        }
    }
    if let Section::Filled(roi) = &mut report.roi {
        roi.rows[0].roi = Some(f64::NAN);
        roi.rows[1].roi = Some(f64::INFINITY);
        roi.rows[1].floor = Some(f64::MAX);
    }
    if let Section::Filled(health) = &mut report.health {
        health[0].dimensions[0].score = Some(f64::NEG_INFINITY);
    }
    for lang in [Lang::En, Lang::Zh] {
        let page = render(&report, lang);
        for tag in tags(&page) {
            for (key, value) in &tag.attributes {
                let is_place =
                    ["x", "y", "width", "height", "cx", "cy", "r", "d", "points", "viewBox"];
                let is_number = |c: char| c.is_ascii_digit() || " ,.-MLZHVhvlmz".contains(c);
                assert!(
                    !is_place.contains(&key.as_str()) || value.chars().all(is_number),
                    "{key}={value}"
                );
            }
        }
    }
}

#[test]
fn values_outside_of_the_axis_are_counted_and_the_farthest_is_said() {
    let page = render(&report_of("d"), Lang::En);
    let scores = section(&page, "scores");
    assert!(
        scores
            .contains("Not drawn: 3 beyond the end of the axis, the greatest at 1,000,000,000 d.")
    );
    assert!(
        scores
            .contains("Not drawn: 1 before the beginning of the axis, the least at −7,000,000 d.")
    );
    assert!(scores.contains("<dd>88</dd>"), "members of the score are all with a value");
}

#[test]
fn a_bar_beyond_its_axis_is_broken_and_said() {
    let mut report = report_of("plain");
    let Section::Filled(all) = &mut report.segmentation else { panic!() };
    let row = all[0].segments[0].clone();
    let of = |members| SegmentRow { members, members_before: None, ..row.clone() };
    all[0].segments = [1_000_000_000, 40, 30, 20].map(of).to_vec();
    let page = render(&report, Lang::En);
    let segments = section(&page, "segments");
    assert!(segments.contains("Longer than the axis, so that the others can be seen: 1 of the bars; the longest is 1,000,000,000"));
    assert_eq!(segments.matches("class=\"gap\"").count(), 2);
}

#[test]
fn a_figure_without_a_value_says_why() {
    let mut report = report_of("plain");
    report.summary.active = Told::NotNamed;
    report.summary.revenue = Told::NoValue;
    report.summary.roi = None;
    report.roi = Section::Empty(Absence::NoStage(Kind::Roi));
    for (lang, active, revenue, roi, health) in [
        (
            Lang::En,
            "no feature is named: [output] active",
            "nothing in the data",
            "no stage of kind “ROI”",
            "too little was measured",
        ),
        (
            Lang::Zh,
            "未指定特徵：[output] active",
            "數據中無此項",
            "未設「回報」類階段",
            "可測項不足",
        ),
    ] {
        let page = render(&report, lang);
        for words in [active, revenue, roi, health] {
            assert!(section(&page, "summary").contains(words), "{words}");
        }
        assert_eq!(section(&page, "summary").matches(">–<").count(), 4);
    }
}

#[test]
fn values_that_no_member_has_are_not_drawn_and_a_short_axis_has_ends_that_differ() {
    let mut report = report_of("plain");
    let Section::Filled(scores) = &mut report.scores else { panic!() };
    let words = |n: usize| Words { en: format!("v{n}"), zh: None };
    let counts = (0..30).map(|n| (words(n), u64::from(n == 29) * 7));
    scores[1].distribution = Distribution::Categories(counts.collect());
    scores[0].unit = String::new();
    scores[0].distribution = Distribution::Bins {
        edges: vec![0.999_999_1, 0.999_999_5, 1.0],
        counts: vec![3, 4],
        outside: playbook_report::Outside::default(),
    };
    let page = render(&report, Lang::En);
    let scores = section(&page, "scores");
    let drawn = scores.matches("class=\"track\"").count();
    assert_eq!(drawn, 2, "the one value and the others");
    assert!(scores.contains("29 values that no member has") && scores.contains("v29"));
    assert!(scores.contains("0.99999910") && scores.contains("1.00000000"));
}

#[test]
fn budgets_say_what_the_cycle_granted_and_what_of_it_waits() {
    let page = render(&report_of("plain"), Lang::En);
    let budgets = section(&page, "budgets");
    let row = "data-head=\"Granted this cycle\">600.05</td><td class=\"num\" data-head=\"Of both reserved\">700.05</td>\
               <td class=\"num\" data-head=\"Of both settled\">300.00</td>";
    assert!(budgets.contains(row), "{budgets}");
}

#[test]
fn names_of_rows_stand_in_the_brands_words() {
    let mut report = report_of("mail");
    let words = Words { en: "Letters".to_owned(), zh: Some("信件".to_owned()) };
    report.labels.insert("mail".to_owned(), words);
    for (lang, name) in [(Lang::En, "Letters"), (Lang::Zh, "信件")] {
        let page = render(&report, lang);
        for id in ["findings", "budgets", "campaign", "roi"] {
            assert!(section(&page, id).contains(name), "{name} in {id}");
        }
    }
}

/// A report with many of everything, each named by a long text.
fn crowded(name: &str) -> Report {
    let mut report = report_of("plain");
    let many = |n: usize| format!("{name} {n}");
    let words = |n: usize| Words { en: many(n), zh: None };
    let Section::Filled(all) = &mut report.segmentation else { panic!() };
    let row = all[0].segments[0].clone();
    all[0].segments = (0..60)
        .map(|n| SegmentRow {
            name: many(n),
            words: words(n),
            members: 1 + n as u64,
            ..row.clone()
        })
        .collect();
    let ends: Vec<FlowEnd> = (0..60).map(|n| FlowEnd::Segment(words(n))).collect();
    all[0].flows = Section::Filled(playbook_report::FlowMatrix {
        from: ends.clone(),
        to: ends,
        members: (0..60).map(|i| (0..60).map(|k| u64::from(i == k) * 9 + 1).collect()).collect(),
    });
    let Section::Filled(scores) = &mut report.scores else { panic!() };
    scores[1].distribution =
        Distribution::Categories((0..125).map(|n| (words(n), n as u64 / 2)).collect());
    let Section::Filled(incentives) = &mut report.incentives else { panic!() };
    let row = incentives.grants[0].clone();
    incentives.grants =
        (0..40).map(|n| GrantRow { action: many(n), words: words(n), ..row.clone() }).collect();
    let Section::Filled(budgets) = &mut report.budgets else { panic!() };
    let row = budgets[0].clone();
    *budgets = (0..50)
        .map(|n| BudgetRow { path: vec!["brand".to_owned(), many(n)], ..row.clone() })
        .collect();
    let Section::Filled(roi) = &mut report.roi else { panic!() };
    let row = roi.rows[0].clone();
    roi.rows = (0..80)
        .map(|n| RoiRow { name: words(n), roi: (n % 2 == 0).then_some(n as f64), ..row.clone() })
        .collect();
    report
}

#[test]
fn no_section_draws_more_than_a_reader_takes_in_and_nothing_is_lost() {
    let page = render(&crowded("name"), Lang::En);
    for (id, drawn) in [("segments", 12), ("scores", 9), ("grants", 12), ("roi", 12)] {
        let bars = section(&page, id).matches("class=\"track\"").count();
        assert!(bars >= drawn && bars <= drawn + 6, "{id}: {bars}");
    }
    // All that is not shown at once is folded, and counted on the line that unfolds it.
    let unfolded: String = page
        .split("<details>")
        .map(|part| part.split_once("</details>").map_or(part, |(_, open)| open))
        .collect();
    for (id, shown) in [("segments", 12), ("grants", 12), ("budgets", 12), ("roi", 12)] {
        let rows = section(&unfolded, id).matches("<th scope=\"row\"").count();
        assert!(rows >= shown && rows <= 3 * shown, "{id}: {rows}");
    }
    for (id, names) in
        [("segments", 60), ("scores", 125), ("grants", 40), ("budgets", 50), ("roi", 80)]
    {
        let lost: Vec<usize> =
            (2..names).filter(|n| !section(&page, id).contains(&format!("name {n}"))).collect();
        assert!(lost.is_empty(), "{id}: {lost:?}");
    }
    let segments = section(&page, "segments");
    assert!(segments.contains("49 more rows") && segments.contains("Others (52)"));
    assert!(segments.contains("3,540 members"), "those who moved are counted over all places");
    let scores = section(&page, "scores");
    assert!(scores.contains("Others (117)") && scores.contains("117 more values"));
    assert!(scores.contains("2 values that no member has"));
}

#[test]
fn long_names_of_any_script_break_and_are_cut_in_drawings_alone() {
    let long = "กลุ่มลูกค้าที่ซื้อบ่อย مجموعة العملاء Kundengruppenbezeichnungsmaßnahme ".repeat(4);
    let long = long.trim();
    let page = render(&crowded(long), Lang::Zh);
    assert!(section(&page, "segments").contains(&format!("{long} 59")));
    let style = page.split_once("<style>").unwrap().1;
    assert!(style.contains("th,td{overflow-wrap:anywhere}"));
}

#[test]
fn ends_without_members_are_left_out_of_flows() {
    let page = render(&report_of("plain"), Lang::En);
    assert!(section(&page, "segments").contains("Without a segment"));
    let mut report = report_of("plain");
    if let Section::Filled(all) = &mut report.segmentation {
        let segmentation = &mut all[0];
        segmentation.unassigned = 0;
        segmentation.effects[0].segments[1] = Default::default();
        if let Section::Filled(flows) = &mut segmentation.flows {
            flows.members = vec![vec![70, 3, 0], vec![12, 0, 0]];
        }
    }
    let page = render(&report, Lang::En);
    assert!(!section(&page, "segments").contains("Without a segment"));
    assert!(section(&page, "segments").contains("Joined"));
}

#[test]
fn radar_of_two_dimensions_is_not_drawn() {
    let caption = charts::Caption { id: "c", title: "t", desc: "d" };
    let axis =
        charts::Axis { label: "a".to_owned(), value: 1.0, figure: "1".to_owned(), before: None };
    let radar = charts::Radar { axes: vec![axis; 2], most: 5.0, ..charts::Radar::default() };
    assert_eq!(charts::radar(&caption, &radar), "");
}

/// The small pages are kept as they are, so that a change of the look is a decision. On a difference the new page is
/// written beside the test binaries, to be looked at and copied.
#[test]
fn small_pages_are_as_they_were_looked_at() {
    let pages = [
        ("report-en.html", render(&bare(), Lang::En)),
        ("report-zh.html", render(&bare(), Lang::Zh)),
        ("diff-en.html", render_diff(&diff_of("plain"), Lang::En)),
    ];
    for (name, page) in pages {
        // The style has tests and eyes of its own; without it and its digest the page shows its structure.
        let (head, rest) = page.split_once("<style>").unwrap();
        let body = rest.split_once("</style>").unwrap().1;
        let head = head.split_once("content=\"default-src").map_or(head, |h| h.0);
        let page = format!("{head}\n{}", body.replace("><", ">\n<"));
        let kept = std::env::current_dir().unwrap().join("tests/golden").join(name);
        if std::fs::read_to_string(&kept).unwrap_or_default() != page {
            let new = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
            std::fs::write(&new, &page).unwrap();
            panic!("{name} differs: look at {} and copy it to {}", new.display(), kept.display());
        }
    }
}
