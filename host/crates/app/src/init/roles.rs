//! Which column of a file plays which part, told by its name and its values.

use playbook_batch::profile::{
    ColumnKind, ColumnProfile, FileProfile, Names, Sure, is_about, words_of,
};

/// What names an order, most telling first.
const ORDER: Names = Names(&[
    "order",
    "invoice",
    "transaction",
    "basket",
    "event",
    "receipt",
    "bestellung",
    "rechnung",
    "commande",
    "pedido",
    "订单",
    "訂單",
    "单号",
    "單號",
]);
/// When an order is paid before when it is made, and both before when it was touched last.
const WHEN: Names = Names(&[
    "paid",
    "purchase",
    "purchased",
    "order",
    "ordered",
    "transaction",
    "event",
    "付款",
    "支付",
    "下单",
    "下單",
    "created",
    "date",
    "datum",
    "time",
    "timestamp",
    "日期",
    "时间",
    "時間",
    "at",
    "day",
]);
/// What was paid before what it is made of.
const PAID: Names = Names(&[
    "total", "paid", "amount", "revenue", "spend", "spent", "sales", "turnover", "betrag",
    "umsatz", "importe", "montant", "实付", "實付", "金额", "金額", "总价", "總價", "value",
    "dollar", "gross", "net", "subtotal", "price", "preis", "价", "價",
]);
/// Amounts that are no part of what an order is worth, or are taken from it.
const NOT_PAID: Names = Names(&[
    "discount", "tax", "shipping", "fee", "refunded", "cost", "costs", "disc", "unit", "balance",
    "points", "tip", "折扣", "运费", "運費", "税", "稅", "优惠", "優惠",
]);
const QUANTITY: Names = Names(&[
    "quantity", "qty", "units", "items", "pieces", "number", "menge", "数量", "數量", "件数",
]);
/// The order that a refund or a correction is of.
const ORIGINAL: Names =
    Names(&["original", "parent", "corrects", "reverses", "原订单", "原訂單", "原单", "原單"]);
const CAMPAIGN: Names = Names(&["campaign", "kampagne", "campagne", "活动", "活動"]);
/// What a row is about, of rows that are no orders.
const OBJECT: Names = Names(&["coupon", "product", "item", "article", "sku", "object", "post"]);
/// What a line of an order is of.
const LINE: Names = Names(&[
    "product", "item", "sku", "line", "lineitem", "article", "artikel", "variant", "upc", "isbn",
    "商品", "产品", "產品",
]);
const DELIVERED: Names = Names(&["delivered", "sent", "送达", "送達"]);
const COMPLAINTS: Names = Names(&["complaint", "complaints", "投诉", "投訴"]);
const VERIFIED: Names = Names(&["verified", "confirmed", "已验证", "已驗證"]);
/// What channels, campaigns and people cost.
const COST: Names = Names(&[
    "cost", "spend", "spending", "kosten", "expense", "budget", "成本", "费用", "費用", "花费",
    "花費", "投放",
]);
/// What members agreed to.
const CONSENT: Names =
    Names(&["consent", "permission", "optin", "gdpr", "einwilligung", "同意", "授权", "授權"]);
const AGREED: Names =
    Names(&["newsletter", "marketing", "opt", "accepts", "subscribed", "订阅", "訂閱"]);
const STATE: Names = Names(&[
    "state",
    "status",
    "consent",
    "granted",
    "accepted",
    "subscribed",
    "permission",
    "optin",
    "opt",
    "同意",
    "状态",
    "狀態",
]);
const AGE: Names = Names(&["age", "ageband", "alter", "年龄", "年齡"]);
/// Accounts that belong to one person.
const ACCOUNTS: Names =
    Names(&["identity", "identities", "alias", "aliases", "linked", "身份", "关联", "關聯"]);
const KEY: Names = Names(&["key", "hash", "value", "contact", "identifier", "account"]);
/// Things that ids are of where they are of no person.
const OTHER: Names = Names(&[
    "manufacturer",
    "vendor",
    "department",
    "campaign",
    "product",
    "coupon",
    "store",
    "shop",
    "item",
    "sku",
    "article",
    "session",
    "device",
    "page",
    "upc",
    "category",
    "brand",
    "supplier",
    "variant",
    "card",
    "week",
    "活动",
    "活動",
    "商品",
    "门店",
    "門店",
]);
const CHANNEL: Names = Names(&[
    "channel", "shop", "store", "source", "platform", "渠道", "门店", "門店", "店铺", "店鋪",
    "平台",
]);
const REGION: Names = Names(&[
    "region", "state", "province", "country", "city", "land", "地区", "地區", "省", "城市",
]);
const JOINED: Names = Names(&[
    "joined",
    "join",
    "registered",
    "signup",
    "created",
    "since",
    "enrolled",
    "注册",
    "註冊",
    "加入",
    "date",
]);
const KIND: Names = Names(&[
    "event", "kind", "action", "activity", "status", "type", "事件", "状态", "狀態", "类型", "類型",
]);
const CURRENCY: Names =
    Names(&["currency", "waehrung", "währung", "moneda", "devise", "币种", "幣種", "货币", "貨幣"]);
/// Files that list people.
const LISTS_MEMBERS: Names = Names(&[
    "member",
    "customer",
    "client",
    "user",
    "household",
    "subscriber",
    "demographic",
    "people",
    "kunden",
    "会员",
    "會員",
    "客户",
    "客戶",
    "用户",
    "用戶",
]);

/// A column with how sure its part is.
#[derive(Debug, Clone, Copy)]
pub(super) struct Part<'a> {
    pub(super) column: &'a ColumnProfile,
    pub(super) sure: Sure,
}

/// The column whose name says most among those that a test lets through.
fn best<'a>(
    seen: &'a FileProfile,
    names: Names,
    fits: impl Fn(&ColumnProfile) -> bool,
) -> Option<&'a ColumnProfile> {
    let ranked = seen.columns.iter().filter(|c| fits(c));
    let ranked = ranked.filter_map(|column| Some((names.rank(&column.name)?, column)));
    ranked.min_by_key(|(rank, _)| *rank).map(|(_, column)| column)
}

fn whole_numbers(column: &ColumnProfile) -> bool {
    matches!(column.kind, ColumnKind::Integer { .. })
}

/// The column of exactly this name.
fn exact<'a>(
    seen: &'a FileProfile,
    name: &str,
    fits: impl Fn(&ColumnProfile) -> bool,
) -> Option<&'a ColumnProfile> {
    seen.columns.iter().find(|column| column.name == name && column.filled > 0 && fits(column))
}

/// Whether a column has numbers.
fn is_number(column: &ColumnProfile) -> bool {
    use ColumnKind as K;
    matches!(column.kind, K::Amount { .. } | K::Real { .. } | K::Integer { .. })
}

/// Whether a column may name things.
fn names_things(column: &ColumnProfile) -> bool {
    use ColumnKind as K;
    matches!(column.kind, K::Id | K::Words | K::Text) || matches!(column.kind, K::Integer { .. })
}

/// The column that says whose a row is.
pub(super) fn member(seen: &FileProfile) -> Option<Part<'_>> {
    let is_order = |column: &ColumnProfile| ORDER.are_in(&column.name);
    let fits =
        |c: &ColumnProfile| names_things(c) && !is_order(c) && c.filled > 0 && !is_about(&c.name);
    // Of two names that say as much the one of ids is meant: `customer` may be the name of one.
    let is_id = |c: &ColumnProfile| fits(c) && (c.kind == ColumnKind::Id || whole_numbers(c));
    let of_ids = best(seen, Names::MEMBER, is_id).filter(|c| !c.is_contact);
    if let Some(column) = of_ids.or_else(|| best(seen, Names::MEMBER, fits)) {
        let whole = column.filled == seen.rows;
        let sure = if whole && column.kind == ColumnKind::Id { Sure::Sure } else { Sure::Likely };
        return Some(Part { column, sure });
    }
    // No name says so: the one column of ids that is no order's.
    let whole = |c: &&ColumnProfile| c.kind == ColumnKind::Id && c.filled == seen.rows;
    let other = |c: &ColumnProfile| is_order(c) || OTHER.are_in(&c.name);
    let mut ids = seen.columns.iter().filter(whole).filter(|c| !other(c));
    let column = ids.next()?;
    let alone = ids.next().is_none();
    alone.then_some(Part { column, sure: Sure::Unsure })
}

/// The column with the time of a row.
pub(super) fn time(seen: &FileProfile) -> Option<Part<'_>> {
    let is_time = |c: &ColumnProfile| matches!(c.kind, ColumnKind::Time { .. });
    let named = best(seen, WHEN, is_time);
    let times = seen.columns.iter().filter(|c| is_time(c)).count();
    let column = named.or_else(|| seen.columns.iter().find(|c| is_time(c)))?;
    // Of several times the name alone says which one counts.
    let sure = if times == 1 { column.sure } else { column.sure.min(Sure::Likely) };
    Some(Part { column, sure })
}

/// The column with what was paid.
pub(super) fn amount(seen: &FileProfile) -> Option<Part<'_>> {
    let is_amount = |c: &ColumnProfile| {
        let numbers = matches!(c.kind, ColumnKind::Amount { .. } | ColumnKind::Real { .. });
        (numbers || matches!(c.kind, ColumnKind::Integer { .. }) && minor_unit(c).is_some())
            && !NOT_PAID.are_in(&c.name)
    };
    if let Some(column) = best(seen, PAID, is_amount) {
        let amounts = seen.columns.iter().filter(|c| is_amount(c)).count();
        let sure = if amounts == 1 { column.sure } else { column.sure.min(Sure::Likely) };
        return Some(Part { column, sure });
    }
    let only = |c: &&ColumnProfile| matches!(c.kind, ColumnKind::Amount { .. }) && is_amount(c);
    let mut amounts = seen.columns.iter().filter(only);
    let column = amounts.next()?;
    amounts.next().is_none().then_some(Part { column, sure: Sure::Unsure })
}

/// The unit that a name says, where it is that of cents.
pub(super) fn minor_unit(column: &ColumnProfile) -> Option<&'static str> {
    let words = words_of(&column.name);
    let says =
        ["cents", "cent", "minor", "pence", "fen"].iter().any(|w| words.iter().any(|x| x == w));
    says.then_some("minor")
}

/// The column that names an order.
pub(super) fn event_id<'a>(seen: &'a FileProfile, taken: &[&str]) -> Option<Part<'a>> {
    let free = |c: &ColumnProfile| !taken.contains(&c.name.as_str());
    let is_id = |c: &ColumnProfile| free(c) && c.kind == ColumnKind::Id && c.filled == seen.rows;
    if let Some(column) = best(seen, ORDER, is_id) {
        return Some(Part { column, sure: Sure::Sure });
    }
    let plain = |c: &&ColumnProfile| is_id(c) && words_of(&c.name) == ["id"];
    let column = seen.columns.iter().find(plain)?;
    Some(Part { column, sure: Sure::Likely })
}

/// The column of a part that a name alone tells, with values that fit.
pub(super) fn named<'a>(seen: &'a FileProfile, field: &str, taken: &[&str]) -> Option<Part<'a>> {
    use ColumnKind as K;
    let free = |c: &ColumnProfile| !taken.contains(&c.name.as_str());
    let column = match field {
        "original_order" => {
            let fits = |c: &ColumnProfile| free(c) && names_things(c);
            exact(seen, "of", fits).or_else(|| best(seen, ORIGINAL, fits))
        }
        "campaign" => best(seen, CAMPAIGN, |c| free(c) && names_things(c)),
        "object" => best(seen, OBJECT, |c| free(c) && c.kind == K::Id),
        "delivered" => best(seen, DELIVERED, |c| free(c) && matches!(c.kind, K::Integer { .. })),
        "complaints" => best(seen, COMPLAINTS, |c| free(c) && matches!(c.kind, K::Integer { .. })),
        "verified" => best(seen, VERIFIED, |c| free(c) && c.kind == K::Flag),
        // What the host calls so itself.
        "community" | "topic" => exact(seen, field, |c| free(c) && names_things(c)),
        "sentiment" | "value" => exact(seen, field, |c| free(c) && is_number(c)),
        "cost_of_goods_minor" => exact(seen, field, |c| free(c) && is_number(c)),
        "quantity" => best(seen, QUANTITY, |c| free(c) && matches!(c.kind, K::Integer { .. })),
        "channel" => best(seen, CHANNEL, |c| free(c) && c.kind == K::Words),
        "region" => best(seen, REGION, |c| free(c) && c.kind == K::Words),
        "joined" => best(seen, JOINED, |c| free(c) && matches!(c.kind, K::Time { .. })),
        "kind" => best(seen, KIND, |c| free(c) && matches!(c.kind, K::Words | K::Text)),
        _ => None,
    }?;
    Some(Part { column, sure: Sure::Likely })
}

/// The one currency that a column names.
pub(super) fn currency(seen: &FileProfile) -> Option<&str> {
    let column = best(seen, CURRENCY, |c| c.distinct == 1 && c.filled == seen.rows)?;
    let code = column.samples.first()?;
    (code.len() == 3 && code.bytes().all(|b| b.is_ascii_uppercase())).then_some(code)
}

/// Whether a file lists people: each once, and either its name says so or nothing happens in it; or its name says so and
/// nothing was paid.
pub(super) fn lists_members(seen: &FileProfile, stem: &str, member: &ColumnProfile) -> bool {
    let each_once = member.distinct == member.filled;
    let named = LISTS_MEMBERS.are_in(stem);
    let pays = amount(seen).is_some();
    named && (each_once || !pays && event_id(seen, &[]).is_none())
        || each_once && (time(seen).is_none() || !pays && !ORDER.are_in(stem))
}

/// The column that names the listed people where another one than the contact data does: addresses change, and are missing.
pub(super) fn listed(seen: &FileProfile) -> Option<Part<'_>> {
    let named = member(seen)?;
    let plain = |c: &&ColumnProfile| {
        names_things(c) && c.filled == seen.rows && words_of(&c.name) == ["id"]
    };
    match seen.columns.iter().find(plain) {
        Some(column) if named.column.is_contact => Some(Part { column, sure: Sure::Likely }),
        _ => Some(named),
    }
}

/// Day and amount of a file of costs: its name says so or its amount does, and no row is a member's.
pub(super) fn costs<'a>(seen: &'a FileProfile, stem: &str) -> Option<(Part<'a>, Part<'a>)> {
    let people = best(seen, Names::MEMBER, |c| names_things(c) && c.filled > 0);
    let named = COST.are_in(stem);
    let is_number = |c: &ColumnProfile| {
        use ColumnKind as K;
        matches!(c.kind, K::Amount { .. } | K::Real { .. })
            || matches!(c.kind, K::Integer { .. }) && minor_unit(c).is_some()
    };
    let cost = best(seen, COST, is_number);
    let column = cost.or_else(|| if named { best(seen, PAID, is_number) } else { None })?;
    let day = time(seen)?;
    let sure = if named { column.sure } else { column.sure.min(Sure::Likely) };
    people.is_none().then_some((day, Part { column, sure }))
}

/// The column with the state of a consent, in a file that says that it has consents.
pub(super) fn consent_state<'a>(
    seen: &'a FileProfile,
    stem: &str,
    member: &ColumnProfile,
) -> Option<&'a ColumnProfile> {
    let says = |name: &str| CONSENT.are_in(name);
    if !says(stem) && !seen.columns.iter().any(|column| says(&column.name)) {
        return None;
    }
    let words = |c: &ColumnProfile| c.name != member.name && !c.words.is_empty();
    best(seen, STATE, words).filter(|_| amount(seen).is_none())
}

/// Whether the name of a column says that members agreed to something.
pub(super) fn may_be_a_consent(name: &str) -> bool {
    CONSENT.are_in(name) || AGREED.are_in(name)
}

/// The column with ages.
pub(super) fn age<'a>(seen: &'a FileProfile, taken: &[&str]) -> Option<&'a ColumnProfile> {
    best(seen, AGE, |c| !taken.contains(&c.name.as_str()) && !c.words.is_empty())
}

/// Whether the name of a file says that it has accounts of one person.
pub(super) fn lists_accounts(stem: &str) -> bool {
    ACCOUNTS.are_in(stem)
}

/// The column with keys of accounts.
pub(super) fn account_key<'a>(seen: &'a FileProfile, taken: &[&str]) -> Option<&'a ColumnProfile> {
    best(seen, KEY, |c| !taken.contains(&c.name.as_str()) && c.filled > 0)
}

/// Whether a column says what each line of an order is of.
pub(super) fn names_lines(seen: &FileProfile) -> bool {
    seen.columns.iter().any(|column| LINE.are_in(&column.name))
}

/// A column that is named like what was paid and has no amounts that can be read in one way.
pub(super) fn like_an_amount(seen: &FileProfile) -> Option<&ColumnProfile> {
    let texts =
        |c: &ColumnProfile| matches!(c.kind, ColumnKind::Text | ColumnKind::Words | ColumnKind::Id);
    best(seen, PAID, |c| texts(c) && !NOT_PAID.are_in(&c.name))
}
