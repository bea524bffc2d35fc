//! The table of models and systems: which test holds each of them.

use std::collections::BTreeMap;

use crate::tree::Tree;

/// The page with the tables.
pub(crate) const MODELS_PAGE: &str = "docs/models.md";

/// Every model of the domain, by its code, with its plugin or card.
const MODELS: [(&str, &str); 80] = [
    ("SC-1", "behaviour-points"),
    ("SC-2", "participation-8"),
    ("SC-3", "fan-4d"),
    ("SC-4", "value-rfm"),
    ("SC-5", "kol-index"),
    ("SC-6", "churn-7d"),
    ("SC-7", "sentiment-involvement"),
    ("SC-8", "content-card"),
    ("SC-9", "contribution"),
    ("SC-10", "ltv"),
    ("SC-11", "reputation"),
    ("SC-12", "partner-score"),
    ("SC-13", "tool-card"),
    ("SG-1", "tier-interactions"),
    ("SG-2", "ladder-koc"),
    ("SG-3", "value-tiers"),
    ("SG-4", "lifecycle-4"),
    ("SG-5", "participation-ladder"),
    ("SG-6", "sas-funnel"),
    ("SG-7", "ops-segments"),
    ("SG-8", "interest-groups"),
    ("SG-9", "kmeans"),
    ("SG-10", "community-lifecycle"),
    ("SG-11", "conversion-5"),
    ("IN-1", "ladder-growth"),
    ("IN-2", "ladder-exchange"),
    ("IN-3", "ladder-horizon"),
    ("IN-4", "interaction-levels"),
    ("IN-5", "roi-floor"),
    ("IN-6", "referral"),
    ("IN-7", "tasks-and-mall"),
    ("IN-8", "benefit-share"),
    ("IN-9", "honours-governance"),
    ("IN-10", "win-back"),
    ("IN-11", "points-exchange"),
    ("IN-12", "membership"),
    ("CA-1", "phases-3"),
    ("CA-2", "stages-4"),
    ("CA-3", "programme-5"),
    ("CA-3b", "integration-12m"),
    ("CA-4", "content-mix"),
    ("CA-5", "scene-loop"),
    ("CA-6", "activity-lift"),
    ("CA-7", "send-time"),
    ("CA-8", "platform-strategy"),
    ("CA-9", "recommend"),
    ("CA-10", "cocreate"),
    ("CA-11", "hot-topic"),
    ("RO-1", "roi-base"),
    ("RO-2", "brand-premium"),
    ("RO-3", "depreciation"),
    ("RO-4", "roi-three"),
    ("RO-5", "roi-risk"),
    ("RO-6", "roi-scene"),
    ("RO-7", "roi-forecast"),
    ("RO-8", "attribution-matrix"),
    ("RO-9", "channel-health"),
    ("RO-10", "platform-split"),
    ("RO-11", "elastic-pool"),
    ("RO-12", "tech-value"),
    ("RO-13", "risk-return"),
    ("RO-14", "effect-3d"),
    ("DG-1", "health-7x28"),
    ("DG-2", "lines-3-domains-9"),
    ("DG-3", "brand-asset-3x9"),
    ("DG-4", "ecosystem-index"),
    ("DG-5", "risk-3x7"),
    ("DG-6", "retention"),
    ("DG-7", "monitor-7"),
    ("DG-8", "anomaly-3sigma"),
    ("DG-9", "opinion-risk"),
    ("DG-10", "fraud"),
    ("DG-11", "content-guard"),
    ("DG-12", "compliance-sop"),
    ("DG-13", "health-warning"),
    ("DG-14", "suggest"),
    ("DG-15", "fit"),
    ("DG-15b", "localisation"),
    ("DG-16", "architecture-card"),
    ("DG-17", "integration-kpi"),
];

/// Every system that models make up, with the models and duties that it rests on.
const SYSTEMS: [(&str, &str, &str); 87] = [
    ("Y001", "Interaction behaviour value table", "SC-1"),
    ("Y002", "Participation quantification model", "SC-2"),
    ("Y003", "Four-dimension fan scoring 8/3/5", "SC-3"),
    ("Y004", "User value assessment and high/mid/low layering", "SC-4, SG-3"),
    ("Y005", "KOL influence index", "SC-5"),
    ("Y006", "Churn early-warning model", "SC-6"),
    ("Y007", "Sentiment engine and involvement state", "SC-7"),
    ("Y008", "Content health and interaction quality cards", "SC-8"),
    ("Y009", "Value contribution evaluation", "SC-9"),
    ("Y010", "LTV, purchase-tendency and behaviour prediction", "SC-10, IN-5"),
    ("Y011", "Reputation and credit model", "SC-11"),
    ("Y012", "Partner dynamic points and quarterly review", "SC-12"),
    ("Y013", "Interaction-frequency tiers", "SG-1"),
    ("Y014", "Prospect–active–core–KOC ladder", "SG-2"),
    ("Y015", "Fan lifecycle management", "SG-4"),
    ("Y016", "Four-stage participation model", "SG-5"),
    ("Y017", "Participation and conversion funnels", "SG-6, SG-11"),
    ("Y018", "Operating segments", "SG-7"),
    ("Y019", "Dynamic grouping and layering effect report", "SG common"),
    ("Y020", "Clustering", "SG-9"),
    ("Y021", "1+N community architecture and interest circles", "SG-8"),
    ("Y022", "Community lifecycle model", "SG-10"),
    ("Y023", "Dynamic profile graph / 360° profile", "H3"),
    ("Y024", "Three-level growth system", "IN-1"),
    ("Y025", "Value exchange ladder", "IN-2"),
    ("Y026", "Short/mid/long incentive system", "IN-3"),
    ("Y027", "Interaction levels and layered rights", "IN-4"),
    ("Y028", "Incentive output control 1:4 and mix test", "IN-5, H10"),
    ("Y029", "Referral / fission engine", "IN-6"),
    ("Y030", "Task system, points mall, virtual currency", "IN-7"),
    ("Y031", "Participation cost ladder and value-exchange balance", "IN-4, GR-1"),
    ("Y032", "Benefit and revenue sharing", "IN-8"),
    ("Y033", "Honours, identity, co-governance", "IN-9"),
    ("Y034", "Silent wake-up, win-back, migration to automated groups", "IN-10, SG-7"),
    ("Y035", "Cross-community points recognition and cross-subsidy", "IN-11"),
    ("Y036", "Membership levels / subscription", "IN-12"),
    ("Y037", "Preheat–burst–extension", "CA-1"),
    ("Y038", "Cultivate–test–optimise–scale", "CA-2"),
    (
        "Y039",
        "Staged programme plans: five stages, 12-month integration, pilot first",
        "CA-3, CA-3b",
    ),
    ("Y040", "Content calendar template", "CA-4"),
    ("Y041", "Three-layer content matrix", "CA-4"),
    ("Y042", "Value/commercial mix, value density, VIP split", "CA-4, GR-2"),
    ("Y043", "Activity-lift package, 6 tools", "CA-6"),
    ("Y044", "Closed-loop scene design, limited presale", "CA-5"),
    ("Y045", "Platform-specific strategies and central content kitchen", "CA-4, CA-8"),
    ("Y046", "Hot-topic monitoring and prediction", "CA-11"),
    ("Y047", "SMART/OKR goals, goal alignment, strategic consistency", "2.5"),
    ("Y048", "Co-creation incubator and needs register", "CA-10"),
    ("Y049", "Dynamic creative templates and send-time optimisation", "CA-7"),
    ("Y050", "Automated marketing engine and scene response", "CA-5, H6"),
    ("Y051", "Personalised recommendation", "CA-9"),
    ("Y052", "ROI formula with LTV coefficient", "RO-1"),
    ("Y053", "Brand premium coefficient", "RO-2"),
    ("Y054", "Community asset depreciation", "RO-3"),
    ("Y055", "Direct/indirect/potential return", "RO-4"),
    ("Y056", "Risk-adjusted ROI and risk discount rate", "RO-5"),
    ("Y057", "Monetisation path and scene ROI planning", "RO-6"),
    ("Y058", "Dynamic ROI model", "RO-7"),
    ("Y059", "Resource demand forecast and efficiency dashboard", "RO-7, H16"),
    ("Y060", "Effect attribution matrix", "RO-8"),
    ("Y061", "Channel health and dynamic reweighting", "RO-9"),
    ("Y062", "Platform budget allocation", "RO-10"),
    ("Y063", "Risk–return balance, stress test, 10 scenarios", "RO-13"),
    ("Y064", "Technology value dashboard", "RO-12"),
    ("Y065", "3-dimension effect evaluation", "RO-14"),
    ("Y066", "Community health diagnosis 7×28, ecosystem evaluation", "DG-1, DG-17"),
    ("Y067", "Health early-warning system", "DG-13"),
    ("Y068", "Three-line nine-domain monitor", "DG-2"),
    ("Y069", "Quality-domain linkage algorithm", "DG-2"),
    ("Y070", "Brand asset model and map", "DG-3"),
    ("Y071", "Brand asset radar", "DG-3"),
    ("Y072", "Ecosystem health index, culture indicators, repair plan", "DG-4"),
    ("Y073", "Elastic governance against monopoly", "DG-4, GR-10"),
    ("Y074", "Risk identification 3×7, scorecard, radar, weekly list", "DG-5"),
    ("Y075", "Opinion risk algorithm", "DG-9"),
    ("Y076", "Seven-dimension monitoring with monthly weights", "DG-7"),
    ("Y077", "Retention cohorts D1/D7/D30", "DG-6"),
    ("Y078", "Anomaly detection 3σ", "DG-8"),
    ("Y079", "Anti-fraud and abnormal-trade threshold", "DG-10"),
    ("Y080", "Content monitoring, two-track review, word list", "DG-11"),
    ("Y081", "Architecture scorecard and resource monitor", "DG-16"),
    ("Y082", "Community SOP in 8 dimensions", "DG-12"),
    ("Y083", "Strategy suggestion engine, 12 classes", "DG-14"),
    ("Y084", "Method / playbook fit test", "DG-15"),
    ("Y085", "Cultural fit and localisation check", "DG-15b"),
    ("Y121", "Social network analysis, opinion leaders", "SC-9"),
    ("Y122", "Activity–conversion curve monitoring", "H16"),
];

/// What the page says between its marks; each row names the tests that fail when the model is broken.
pub(crate) fn tables(tree: &Tree) -> String {
    let tests = tests(tree);
    let of = |id: &str| -> String {
        // A test of a system is one of the models that it rests on as well.
        let rests = |rests: &str| rests.split(", ").any(|code| code == id);
        let systems = SYSTEMS.iter().filter(|(_, _, on)| rests(on)).map(|(system, ..)| *system);
        let prefixes: Vec<String> = [id]
            .into_iter()
            .chain(systems)
            .map(|id| format!("{}_", id.to_lowercase().replace('-', "_")))
            .collect();
        let is_own = |name: &str| prefixes.iter().any(|prefix| name.starts_with(prefix));
        let own = tests.iter().filter(|(name, _)| is_own(name));
        let own: Vec<String> = own.map(|(name, path)| format!("`{name}` ({path})")).collect();
        if own.is_empty() { "**none yet**".to_owned() } else { own.join("<br>") }
    };
    let mut text = String::from("| code | model | tests |\n|---|---|---|\n");
    for (code, name) in MODELS {
        let page = format!("docs/models/{name}.md");
        let link = match tree.0.contains_key(&page) {
            true => format!("[{name}](models/{name}.md)"),
            false => format!("{name}: not there yet"),
        };
        text.push_str(&format!("| {code} | {link} | {} |\n", of(code)));
    }
    text.push_str("\nEngines, and cards beside these:\n\n");
    let pages = tree.0.keys().filter_map(|path| path.strip_prefix("docs/models/"));
    for page in pages.filter_map(|page| page.strip_suffix(".md")) {
        if !MODELS.iter().any(|(_, name)| *name == page) {
            text.push_str(&format!("- [{page}](models/{page}.md)\n"));
        }
    }
    text.push_str("\n| id | system | rests on | tests |\n|---|---|---|---|\n");
    for (id, name, rests) in SYSTEMS {
        text.push_str(&format!("| {id} | {name} | {rests} | {} |\n", of(id)));
    }
    text
}

/// Tests of the repository by name, each with its file.
fn tests(tree: &Tree) -> BTreeMap<String, String> {
    let mut tests = BTreeMap::new();
    for (path, text) in tree.0.iter().filter(|(path, _)| path.ends_with(".rs")) {
        let mut is_test = false;
        for line in text.lines().map(str::trim) {
            if line.starts_with("#[test]") || line.starts_with("#[tokio::test") {
                is_test = true;
            } else if let Some(rest) = after_fn(line).filter(|_| is_test) {
                let name = rest.split('(').next().unwrap_or_default();
                tests.insert(name.to_owned(), path.clone());
                is_test = false;
            }
        }
    }
    tests
}

/// What stands behind `fn` where a line begins a function.
fn after_fn(line: &str) -> Option<&str> {
    line.strip_prefix("async ").unwrap_or(line).strip_prefix("fn ")
}

/// The page holds the tables as they are.
pub(crate) fn models(tree: &Tree) -> Vec<String> {
    let page = tree.text(MODELS_PAGE);
    let wanted = tables(tree);
    let had = page.split_once(BEGIN).and_then(|(_, rest)| rest.split_once(END));
    match had {
        Some((had, _)) if had.trim() == wanted.trim() => Vec::new(),
        _ => vec![format!(
            "{MODELS_PAGE}: its tables are not those of the tests; UPDATE=1 writes them"
        )],
    }
}

/// Around the tables.
pub(crate) const BEGIN: &str = "<!-- tables: begin -->";
/// Around the tables.
pub(crate) const END: &str = "<!-- tables: end -->";
