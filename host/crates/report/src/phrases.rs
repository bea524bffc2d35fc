//! Every text of a page, in English and Chinese; the compiler refuses a text that lacks one of them.

use playbook_model::{Kind, Level, Minor, TransferFate, TransferRefusal};

use crate::Lang;

macro_rules! phrases {
    ($($key:ident: $en:literal, $zh:literal;)*) => {
        /// All texts in one language.
        #[derive(Debug)]
        pub(crate) struct Phrases { $(pub(crate) $key: &'static str,)* }
        const EN: Phrases = Phrases { $($key: $en,)* };
        const ZH: Phrases = Phrases { $($key: $zh,)* };
        #[cfg(test)]
        const PAIRS: &[(&str, &str, &str)] = &[$((stringify!($key), $en, $zh),)*];
    };
}

phrases! {
    html_lang: "en", "zh-Hant";
    skip: "Skip to the content", "跳至內容";
    contents: "Contents", "目錄";
    footer: "This page stands alone: it loads nothing, runs no script, and the same inputs give the same bytes.",
        "本頁完全自足：不載入任何外部資源、不執行腳本；相同輸入必得相同內容。";
    dash_is: "A dash stands where nothing was measured, or where there is nothing to divide by.",
        "「–」表示未測得，或無可作除數。";
    rows_more: "{0} more rows", "另有 {0} 行";
    bars_more: "{0} more are not drawn; the table has them all.", "另有 {0} 項未繪出，均列於表中。";
    bars_beyond: "Longer than the axis, so that the others can be seen: {0} of the bars; the longest is {1}.",
        "為看清其他條形，{0} 根條形超出軸末；最長者為 {1}。";
    axis_above: "Not drawn: {0} beyond the end of the axis, the greatest at {1}.", "未繪出：{0} 位超出軸末，最大值 {1}。";
    axis_below: "Not drawn: {0} before the beginning of the axis, the least at {1}.", "未繪出：{0} 位低於軸首，最小值 {1}。";
    list_comma: ", ", "、";
    report_kind: "Playbook report", "運營劇本報告";
    diff_kind: "Playbook comparison", "劇本對比";
    as_of: "As of", "截至";
    cycle: "Cycle", "週期";
    run: "Run", "運行編號";
    playbook_digest: "Playbook digest", "劇本摘要值";
    currency: "Currency", "幣種";
    dry_run: "Dry run: everything was computed, nothing was granted.", "試運行：全部計算完成，未發放任何獎勵。";

    sec_summary: "Summary", "概要";
    tile_members: "Members", "成員";
    tile_active: "Active in the cycle", "週期內活躍";
    tile_orders: "Orders", "訂單";
    tile_revenue: "Revenue", "收入";
    tile_cost: "Cost", "成本";
    tile_grants: "Grants", "發放";
    tile_would_grant: "Would be granted", "擬發放";
    tile_refused: "Refused", "拒絕";
    tile_grants_cost: "Cost of grants", "發放成本";
    tile_roi: "ROI", "投資回報率";
    tile_health: "Health", "健康度";
    per_order: "{0} per order", "每單 {0}";
    of_members: "{0} of members", "佔成員 {0}";
    of_proposals: "{0} of proposals", "佔提案 {0}";
    of_cost: "{0} of the cost", "佔成本 {0}";
    no_proposals: "nothing was proposed", "沒有提案";
    no_figure: "no feature is named: [output] {0}", "未指定特徵：[output] {0}";
    no_value: "nothing in the data", "數據中無此項";
    no_stage_of: "no stage of kind “{0}”", "未設「{0}」類階段";
    no_total: "too little was measured", "可測項不足";
    no_return: "no return for the whole", "無整體回報";
    net_of_refunds: "net of refunds", "已扣退款";
    all_kinds: "all kinds, people included", "含人力等各類成本";
    roi_is: "output by input", "產出 ÷ 投入";

    sec_data: "About the data", "數據提示";
    lead_data: "What of the data would mislead whoever reads this page, found while it was read.",
        "讀取數據時發現、可能令讀者誤解本頁的事項。";
    concerns: "concerns", "涉及";
    source_named: "source {0}", "來源 {0}";

    sec_indicators: "Core indicators", "核心指標";
    lead_indicators: "How the community does in a few figures, each with its change since the last cycle and its target.",
        "以若干指標概觀社群，各附較上一週期的變化與目標。";
    how_made: "How these figures are made", "指標口徑與出處";
    formula: "Formula", "公式";
    made_of: "What it is", "含義";
    threshold_id: "Threshold", "閾值編號";
    of_the_playbook: "a feature of the playbook", "劇本特徵";
    of_the_host: "granted and reserved by the limit of the budget", "已發放與已預留佔預算上限";
    made_from: "All of them are made from what these digests stand for:", "以上指標均由下列摘要值所代表的內容算得：";
    no_earlier: "no earlier cycle", "無較早週期";
    as_before: "as in the last cycle", "與上一週期持平";
    points: "{0} points", "{0} 個百分點";
    rows_left_out: "{0} further rows stand in the folder tables beside this page.", "另有 {0} 行，見本頁旁的 tables 資料夾。";
    columns_more: "{0} more columns", "另有 {0} 欄";
    steps: "Steps", "步驟";
    steps_note: "Each step with its share of the step before, which the upright mark shows.", "各步驟及其佔前一步驟的比例；豎線為前一步驟的規模。";

    sec_targets: "Targets", "目標達成";
    lead_targets: "What figures of the brand should come to, those that are missed first.",
        "品牌各項指標的目標與現狀，未達成者在前。";
    targets_are: "{0} met, {1} near, {2} missed.", "已達成 {0} 項，接近 {1} 項，未達成 {2} 項。";
    n_without_data: "Without data: {0}", "無數據：{0} 項";
    target: "Target", "目標";
    target_state: "State", "狀態";
    target_source: "Comes from", "出處";
    target_met: "met", "已達成";
    target_near: "near", "接近";
    target_missed: "missed", "未達成";
    target_no_data: "no data", "無數據";
    form_due: "due", "待填報";
    forms_due: "To be filled in by somebody: {0}", "待人工填報：{0} 項";

    sec_goals: "Goals", "目標管理";
    lead_goals: "Where the brand means to get: the way from the baseline to the target is a straight line, and a goal is late that lags by more than 15% of its time.",
        "品牌欲達之處：自基準至目標按直線推進，落後超過總時長 15% 即為延誤。";
    goal: "Goal", "目標項";
    goal_done: "Done", "完成度";
    goal_from: "From", "基準";
    goal_now: "Now", "現值";
    goal_path_now: "Should be", "應達";
    goal_path_month: "By the end of the month", "月末應達";
    goal_path_quarter: "By the end of the quarter", "季末應達";
    goal_money: "Money", "預算";
    goal_path: "By month and quarter", "按月與按季分解";
    goal_reached: "reached", "已達成";
    goal_on_track: "on track", "按計劃";
    goal_behind: "behind", "略落後";
    goal_late: "late", "延誤";
    goal_missed: "missed", "未達成";
    goal_part_of: "{0}: {1} of {2} key results reached, {3} of the way on average", "{0}：{2} 項關鍵結果達成 {1} 項，平均完成 {3}";
    goal_by: "{0} by {1}", "{1} 前達 {0}";
    goal_since: "{0} on {1}", "{1} 為 {0}";
    alignment: "What serves which value of the brand", "目標對齊矩陣";
    served_by_none: "Nothing serves: {0}", "尚無目標或活動服務於：{0}";
    campaign_stage: "campaign", "活動";

    sec_curves: "Curves and forecasts", "關係曲線與預測";
    lead_curves: "How one figure goes with another, and what was foreseen beside what came.", "一項指標隨另一項指標的變化，以及預測與實際。";
    foreseen_and_came: "{0}: foreseen and come", "{0}：預測與實際";
    calibration_gap: "{0} members in groups by their forecast of the last cycle; the mark is what was foreseen, the bar what came. They are apart by {1} on average.",
        "{0} 位成員按上週期預測值分組；標記為預測，條形為實際。平均相差 {1}。";
    foreseen: "Foreseen", "預測";
    came: "Came", "實際";
    as_a_table: "As a table", "以表格檢視";
    curve_along: "{0} by {1}", "{0}（按{1}）";
    effects: "What came of treating members", "分層效果";
    lead_effects: "Members who are treated beside those held out of every action. The row of all is free of who is in which segment; ± is the 95% interval of the difference.",
        "對比受觸達成員與留出組。「全部」一行不受分層影響；± 為差異的 95% 置信區間。";
    effect_treated: "Treated", "觸達組";
    effect_held: "Held out", "留出組";
    effect_difference: "Difference", "差異";
    effect_members: "Members, treated and held out", "成員數（觸達／留出）";
    effect_few: "too few held out", "留出組過少";
    all_members: "All", "全部";

    sec_findings: "Alerts and findings", "預警與發現";
    lead_findings: "What needs a person, most urgent first, with what the plugins suggest. Nothing is done by itself.",
        "需要人工關注的事項，按緊急程度排列，並附插件建議。系統不會自行執行。";
    measured: "measured", "實測";
    threshold: "threshold", "閾值";
    suggested: "Suggested", "建議";
    and_more: "And {0} more.", "另有 {0} 項。";
    times: "{0} times", "共 {0} 次";
    at_places: "{0} and {1} more", "{0} 等，另有 {1} 處";
    all_places: "All {0}", "全部 {0} 處";

    sec_segments: "Segments", "用戶分層";
    lead_segments: "Each member is in one segment, given by {0}.", "每位成員歸屬一個分層，由 {0} 給出。";
    lead_segments_of_each: "Each member is in one segment of each of {0}.", "每位成員在下列各項中各歸屬一個分層：{0}。";
    segment_sizes: "Members by segment", "各分層成員數";
    segment: "Segment", "分層";
    members: "Members", "成員";
    share: "Share", "佔比";
    change: "Change", "變化";
    grants: "Grants", "發放";
    revenue: "Revenue", "收入";
    total: "Total", "合計";
    mark_before: "The upright mark on a bar is its size at the last cycle.", "條形上的豎線為上一週期的規模。";
    flows: "Movement since the last cycle", "與上一週期相比的流動";
    last_cycle: "Last cycle", "上一週期";
    this_cycle: "This cycle", "本週期";
    flow_desc: "{0} members; {1} stayed where they were, {2} moved.", "共 {0} 位成員；{1} 位未變，{2} 位變動。";
    flow_table: "Members by segment: {0} (rows) and {1} (columns)", "按分層的成員數：{0}（行）與{1}（列）";
    flow_note: "{0} members ({1}) are in another place than before.", "{0} 位成員（{1}）的位置發生變化。";
    flow_joined: "Joined", "新加入";
    flow_left: "Left", "已離開";
    flow_unassigned: "Without a segment", "未分層";

    sec_scores: "Scores", "評分分佈";
    lead_scores: "How the members are spread over each score. The orange mark is the median.",
        "成員在各項評分上的分佈。橙色豎線為中位數。";
    scores_desc: "{0} members; a tenth lies below {1}, half below {2}, nine tenths below {3}.",
        "{0} 位成員；十分之一低於 {1}，半數低於 {2}，十分之九低於 {3}。";
    scores_desc_short: "{0} members.", "{0} 位成員。";
    scores_more: "{0} more scores", "另有 {0} 項評分";
    with_value: "Members", "有值成員";
    without_value: "No value", "無值";
    mean: "Mean", "均值";
    median: "Median", "中位數";
    n_others: "Others ({0})", "其他（{0} 項）";
    values_more: "{0} more values", "其餘 {0} 個值";
    values_empty: "{0} values that no member has", "另有 {0} 個無成員的值";
    no_member_has_it: "No member has a value of this score.", "沒有成員具備此項評分。";

    sec_grants: "Grants and refusals", "發放與拒絕";
    lead_grants: "Plugins propose, the host decides. Every refused proposal carries the code of the first check it did not pass.",
        "插件提案，主機裁決。每個被拒提案均記錄其未通過的首項檢查代碼。";
    grants_by_action: "Grants by action", "按動作的發放";
    would_grant_by_action: "What would be granted, by action", "按動作的擬發放";
    action: "Action", "動作";
    proposed: "Proposed", "提案";
    granted: "Granted", "發放";
    granted_before: "Granted before", "此前已發放";
    quantity: "Quantity", "數量";
    cost: "Cost", "成本";
    expected_output: "Expected output", "預期產出";
    output_by_cost: "Output by cost", "產出 ÷ 成本";
    refusals_by_code: "Refusals by code", "按代碼的拒絕";
    nothing_refused: "No proposal was refused.", "沒有提案被拒絕。";
    code: "Code", "代碼";
    proposals: "Proposals", "提案數";
    cost_withheld: "Cost not spent", "未支出成本";

    sec_budgets: "Budgets and pools", "預算與資源池";
    lead_budgets: "What each pool holds, what grants of earlier cycles and of this one took from it, and what is left. A grant is reserved first, and settled when it was paid.",
        "各資源池的額度、歷史與本週期發放所佔及餘額。發放先預留，支付後結算。";
    budget: "Budget", "預算";
    allocated: "Allocated", "額度";
    taken_before: "Earlier cycles", "歷史週期";
    granted_now: "Granted this cycle", "本週期發放";
    reserved: "Of both reserved", "其中已預留";
    settled: "Of both settled", "其中已結算";
    available: "Available", "可用";
    used: "Used", "使用率";
    budget_desc: "{0} available of {1}", "{1} 中可用 {0}";

    sec_campaign: "Campaign plan", "活動計劃";
    lead_campaign: "Planned by {0}. Day 0 is the day of the as-of time.", "由 {0} 規劃。第 0 天為截至時間當日。";
    plan_money: "A plan of {0}: none of it is reserved. When the cycle was opened the pool had {1}, the stage's own account {2}, and GR-7 lets the stage take {3} in one cycle; the least of them is what it could plan with.",
        "計劃總額 {0}，未預留任何款項。週期開啟時資源池可用 {1}，該階段自有額度 {2}，GR-7 允許單週期最多動用 {3}；以其中最低者為可規劃上限。";
    phases: "Phases", "階段";
    phase: "Phase", "階段";
    first_date: "From", "開始";
    last_date: "To", "結束";
    days: "Days", "天數";
    n_days: "{0} d", "{0} 天";
    why: "Why", "原因";
    channel_split: "Channel allocation", "渠道分配";
    channel: "Channel", "渠道";
    channel_desc: "{1} over {0} channels.", "{1} 分配至 {0} 個渠道。";
    content_mix: "Content mix", "內容組合";
    mix_table: "Mix {0}: target, and the bounds below it", "組合 {0}：目標及其上下限";
    category: "Category", "類別";
    gates: "Gates", "啟動條件";
    lead_gates: "What must hold before a phase may start", "階段開始前須滿足的條件";
    condition: "Condition", "條件";
    sample_min: "Fewest observations", "最少樣本";
    publications: "Publications", "發佈";
    commercial_marks: "Points are planned publications; the red ones are commercial.", "圓點為計劃發佈的內容；紅色為商業內容。";
    when: "When", "時間";
    place: "For", "對象";
    format: "Format", "形式";
    layer: "Layer", "層次";
    theme: "Theme", "主題";
    commercial: "Commercial", "商業";
    whole_brand: "whole brand", "整個品牌";
    yes: "yes", "是";
    no: "no", "否";

    sec_roi: "ROI", "投資回報";
    lead_roi: "A return of 1 gives back what was spent.", "回報為 1 即收回成本。";
    group: "Group", "分組";
    floor: "Floor", "下限";
    transfers: "Money that would move", "建議調撥";
    transfers_note: "Suggestions stay with a person. What moved is for the cycles that follow.", "建議僅供人工決定；已調撥者自下一週期起生效。";
    became: "What became of it", "結果";
    fate_suggested: "suggestion", "僅建議";
    fate_moved: "moved: {0}", "已調撥：{0}";
    fate_before: "moved before: {0}", "先前已調撥：{0}";
    fate_no_pool: "refused: a row is no pool", "拒絕：並非預算池";
    fate_not_better: "refused: the receiver promises no higher return", "拒絕：調入方回報不更高";
    fate_frozen: "refused: a pool is frozen", "拒絕：預算池已凍結";
    fate_red_line: "refused: the receiver has a red line, or nothing is known of that", "拒絕：調入方觸及紅線或狀況未知";
    fate_cool_down: "refused: money moved between the two a short time ago", "拒絕：兩者間近期已調撥";
    fate_share: "refused: nothing more may leave the pool in this cycle", "拒絕：本週期可調出份額已用盡";
    fate_floor: "refused: the pool keeps no more of its plan than it must", "拒絕：調出方已至最低保留額";
    from_row: "From", "調出";
    to_row: "To", "調入";
    amount: "Amount", "金額";
    reason: "Reason", "原因";
    floor_note: "The upright mark is the floor of a group; bars below their floor are red.", "豎線為該組下限；低於下限者標為紅色。";
    not_measured: "not measured", "未測得";
    no_money_of: "No value for {0}: [output] names no feature of these rows, or the data has none.",
        "無 {0}：[output] 未為這些行指定特徵，或數據中無此項。";
    without_return: "No return is given for {0}: it takes both a revenue and a cost.", "{0} 無回報：須同時具備收入與成本。";

    sec_health: "Community health", "社群健康度";
    lead_health: "Diagnosed by {0}. What was not measured is left out, never counted as 0.",
        "由 {0} 診斷。未測得者不計入，絕不按 0 計。";
    dimensions: "Dimensions", "維度";
    dimension: "Dimension", "維度";
    score: "Score", "評分";
    indicators_measured: "Measured", "已測指標";
    indicators: "Indicators", "指標";
    other_outputs: "Other outputs", "其他輸出";
    output: "Output", "輸出";
    indicators_caption: "Indicators that were measured", "已測得的指標";
    n_not_measured: "Not measured: {0}", "未測得：{0} 項";
    indicator: "Indicator", "指標";
    level_head: "Level", "等級";
    value: "Value", "數值";
    health_missing: "Too few indicators for: {0}.", "指標不足：{0}。";

    sec_plugins: "Plugin costs", "插件成本";
    lead_plugins: "What each sandboxed plugin used. Fuel counts executed instructions and is the same on every machine.",
        "各沙盒插件的用量。燃料按執行指令計，在任何機器上相同。";
    plugins_caption: "Plugins in the order of the stages", "按階段順序的插件";
    stage: "Stage", "階段";
    plugin: "Plugin", "插件";
    kind_head: "Kind", "類別";
    calls: "Calls", "調用";
    rows: "Rows", "行數";
    fuel: "Fuel", "燃料";
    fuel_per_row: "Fuel per row", "每行燃料";
    faults: "Faults", "故障";
    milliseconds: "Milliseconds", "毫秒";
    digest: "Digest", "摘要值";
    no_times: "Wall times are not on this page, so that the same inputs give the same bytes; they are in run.json.",
        "為使相同輸入得到相同內容，本頁不含耗時；耗時見 run.json。";

    sec_intake: "Data intake", "數據接入";
    lead_intake: "Rows that could not be read were set aside with their reason.", "無法讀取的行已連同原因另存。";
    intake_caption: "Rows by source", "各數據源行數";
    source: "Source", "數據源";
    rows_read: "Read", "讀取";
    rows_kept: "Kept", "保留";
    duplicates: "Duplicates", "重複";
    rejected: "Rejected", "拒收";
    reasons: "Reasons", "原因";

    sec_evidence: "Evidence", "證據";
    lead_evidence: "What this page was made from. With the same digests and seed the run can be repeated to the byte.",
        "本頁的依據。以相同摘要值與種子可逐字節重現本次運行。";
    evidence_caption: "Digests (SHA-256) and settings", "摘要值（SHA-256）與設定";
    what: "What", "項目";
    host_version: "Host version", "主機版本";
    engine: "Engine", "引擎";
    seed: "Seed", "種子";
    replay: "Run it again", "重新運行";

    sec_timings: "Wall times", "耗時";
    lead_timings: "Measured on the machine of this run; they differ from run to run.", "於本次運行的機器上測得，每次不同。";
    part: "Part", "部分";

    unit_days: "d", "天";
    unit_minutes: "min", "分鐘";

    empty_no_stage: "Empty, because the playbook names no stage of kind “{0}”.", "空白：劇本未設「{0}」類階段。";
    empty_first_cycle: "Empty, because there is no closed earlier cycle to compare with.", "空白：尚無已關閉的上一週期可供比較。";
    empty_nothing: "Empty, because there was nothing to report.", "空白：沒有可報告的內容。";
    empty_no_budget: "Empty, because the playbook declares no budget.", "空白：劇本未聲明預算。";
    empty_skipped: "Empty, because stage “{0}” was left out after a fault of its plugin: {1}", "空白：階段「{0}」因插件故障被略過：{1}";
    empty_one_side: "Empty, because only one of the two runs has it.", "空白：兩次運行中僅一方具備。";

    kind_scoring: "scoring", "評分";
    kind_segmentation: "segmentation", "分層";
    kind_incentive: "incentive", "激勵";
    kind_campaign: "campaign", "活動";
    kind_roi: "ROI", "回報";
    kind_diagnosis: "diagnosis", "診斷";

    level_none: "note", "提示";
    level_watch: "watch", "關注";
    level_warn: "warning", "警告";
    level_critical: "critical", "危急";

    subject_brand: "Whole brand", "整個品牌";
    subject_channel: "By channel", "按渠道";
    subject_segment: "By segment", "按分層";
    subject_campaign: "By campaign", "按活動";
    subject_community: "By community", "按社群";
    subject_scene: "By scene", "按場景";
    subject_cohort: "By day of joining", "按加入日期";

    side_a: "A: what is", "A：現行";
    side_b: "B: what would be", "B：擬議";
    diff_lead: "Both ran dry on the same data: nothing was granted.", "兩者均在同一數據上試運行：未發放任何獎勵。";
    data_digest: "Data digest", "數據摘要值";
    sec_changes: "What differs", "差異之處";
    changes_caption: "Values that differ between the playbooks", "兩份劇本不同的設定值";
    path: "Path", "路徑";
    absent: "absent", "無";
    no_changes: "The two playbooks are the same.", "兩份劇本相同。";
    sec_figures: "Side by side", "並列對比";
    figure: "Figure", "指標";
    difference: "Difference", "差額";
    relative: "Relative", "相對變化";
    sec_migration: "Who moves", "分層遷移";
    lead_migration: "Members by segment under A and under B.", "成員在 A 與 B 下的分層。";
    under_a: "Under A", "A 之下";
    under_b: "Under B", "B 之下";
    sec_winners: "Who wins and who loses", "得失分佈";
    lead_winners: "Members whose grants cost more under B win, those whose grants cost less lose. Segments are those of A.",
        "發放成本在 B 下增加者為得，減少者為失。分層按 A。";
    winners: "Win", "得";
    losers: "Lose", "失";
    unchanged: "Unchanged", "不變";
    spend_a: "Spend A", "支出 A";
    spend_b: "Spend B", "支出 B";
    most_changed: "Members whose grants change most", "變化最大的成員";
    member: "Member", "成員";
    segment_a: "Segment A", "分層 A";
    segment_b: "Segment B", "分層 B";
    sec_actions: "Grants by action", "按動作的發放";
    grants_a: "Grants A", "發放 A";
    grants_b: "Grants B", "發放 B";
    sec_diff_roi: "ROI", "投資回報";
    sec_diff_health: "Community health", "社群健康度";
    dif_members: "Members", "成員";
    dif_moved: "Members whose segment differs", "分層變動的成員";
    dif_proposals: "Proposals", "提案";
    dif_grants: "Grants", "發放";
    dif_refused: "Refused proposals", "被拒提案";
    dif_members_granted: "Members with a grant", "獲發放成員";
    dif_spend: "Cost of grants", "發放成本";
    dif_output: "Expected output", "預期產出";
    dif_return: "Expected output by cost", "預期產出 ÷ 成本";
    dif_roi: "ROI", "投資回報率";
    dif_health: "Health", "健康度";
}

/// A kind of plugins in words.
#[must_use]
pub fn kind_words(kind: Kind, lang: Lang) -> &'static str {
    Phrases::of(lang).kind(kind)
}

/// What became of a transfer between pools, in words; `said` says an amount of money.
#[must_use]
pub fn transfer_words(fate: TransferFate, lang: Lang, said: impl Fn(Minor) -> String) -> String {
    Phrases::of(lang).fate(fate, said)
}

impl Phrases {
    /// The texts of a language.
    pub(crate) fn of(lang: Lang) -> &'static Self {
        match lang {
            Lang::En => &EN,
            Lang::Zh => &ZH,
        }
    }

    pub(crate) fn kind(&self, kind: Kind) -> &'static str {
        match kind {
            Kind::Scoring => self.kind_scoring,
            Kind::Segmentation => self.kind_segmentation,
            Kind::Incentive => self.kind_incentive,
            Kind::Campaign => self.kind_campaign,
            Kind::Roi => self.kind_roi,
            Kind::Diagnosis => self.kind_diagnosis,
        }
    }

    pub(crate) fn level(&self, level: Level) -> &'static str {
        match level {
            Level::None => self.level_none,
            Level::Watch => self.level_watch,
            Level::Warn => self.level_warn,
            Level::Critical => self.level_critical,
        }
    }

    /// What became of a transfer; `said` says an amount of money.
    pub(crate) fn fate(&self, fate: TransferFate, said: impl Fn(Minor) -> String) -> String {
        let words = match fate {
            TransferFate::Suggested => self.fate_suggested,
            TransferFate::Moved(amount) => return fill(self.fate_moved, &[&said(amount)]),
            TransferFate::MovedBefore(before) => return fill(self.fate_before, &[&said(before)]),
            TransferFate::Refused(refusal) => match refusal {
                TransferRefusal::NoPool => self.fate_no_pool,
                TransferRefusal::NotBetter => self.fate_not_better,
                TransferRefusal::Frozen => self.fate_frozen,
                TransferRefusal::RedLine => self.fate_red_line,
                TransferRefusal::CoolDown => self.fate_cool_down,
                TransferRefusal::Share => self.fate_share,
                TransferRefusal::Floor => self.fate_floor,
            },
        };
        words.to_owned()
    }

    /// The name of an account in words where the host gave it, else the name itself.
    pub(crate) fn account<'t>(&self, name: &'t str) -> &'t str {
        let known = || ACCOUNTS_ZH.iter().find(|(term, _)| *term == name).map(|(_, zh)| *zh);
        if self.html_lang == ZH.html_lang { known().unwrap_or(name) } else { name }
    }

    /// Heading of the rows of one subject; an unknown subject is its own heading.
    pub(crate) fn subject<'s>(&self, subject: &'s str) -> &'s str {
        match subject {
            "brand" => self.subject_brand,
            "channel" => self.subject_channel,
            "segment" => self.subject_segment,
            "campaign" => self.subject_campaign,
            "community" => self.subject_community,
            "scene" => self.subject_scene,
            "cohort" => self.subject_cohort,
            other => other,
        }
    }
}

/// Accounts that the host names: levels of the budget tree, the pools of domain H7, the reserve.
const ACCOUNTS_ZH: [(&str, &str); 6] = [
    ("brand", "品牌"),
    ("playbook", "劇本"),
    ("base", "基礎"),
    ("daily", "日常"),
    ("burst", "爆發"),
    ("reserve", "應急儲備"),
];

/// Puts values into a text in the places `{0}`, `{1}` ...; what a value holds is never read as a place.
pub(crate) fn fill(text: &str, values: &[&str]) -> String {
    let mut filled = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('{') {
        filled.push_str(&rest[..at]);
        let place = rest.get(at + 1..at + 2).and_then(|d| d.parse::<usize>().ok());
        match place.and_then(|n| values.get(n)) {
            Some(value) => filled.push_str(value),
            None => filled.push_str(&rest[at..(at + 3).min(rest.len())]),
        }
        rest = &rest[(at + 3).min(rest.len())..];
    }
    filled + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_go_to_their_places_and_are_not_read_again() {
        assert_eq!(fill("{1} of {0}", &["{1}", "b"]), "b of {1}");
        assert_eq!(fill("none", &[]), "none");
        assert_eq!(fill("{9}", &["a"]), "{9}");
    }

    #[test]
    fn known_names_have_words_and_unknown_ones_stay() {
        assert_eq!(ZH.account("daily"), "日常");
        assert_eq!(EN.account("daily"), "daily");
        assert_eq!(ZH.account("short-video"), "short-video");
    }

    #[test]
    fn both_languages_have_the_same_places() {
        let places = |text: &str| {
            let mut found: Vec<&str> =
                text.match_indices('{').map(|(i, _)| &text[i..i + 3]).collect();
            found.sort_unstable();
            found.iter().map(|p| (*p).to_owned()).collect::<Vec<_>>()
        };
        for (key, en, zh) in PAIRS {
            assert!(!en.trim().is_empty() && !zh.trim().is_empty(), "{key} is empty");
            assert_eq!(places(en), places(zh), "{key}");
        }
    }

    #[test]
    fn chinese_texts_are_chinese() {
        for (key, _, zh) in
            PAIRS.iter().filter(|(key, ..)| !["html_lang", "list_comma"].contains(key))
        {
            assert!(zh.chars().any(|c| ('\u{4e00}'..='\u{9fff}').contains(&c)), "{key}: {zh}");
        }
    }
}
