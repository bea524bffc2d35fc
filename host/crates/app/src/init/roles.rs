//! Which column of a file plays which part, told by its name and its values.

use playbook_batch::profile::{ColumnKind, ColumnProfile, FileProfile, Names, Sure, words_of};

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

/// Whether a column may name things.
fn names_things(column: &ColumnProfile) -> bool {
    use ColumnKind as K;
    matches!(column.kind, K::Id | K::Words | K::Text) || matches!(column.kind, K::Integer { .. })
}

/// The column that says whose a row is.
pub(super) fn member(seen: &FileProfile) -> Option<Part<'_>> {
    let is_order = |column: &ColumnProfile| ORDER.are_in(&column.name);
    let fits = |c: &ColumnProfile| names_things(c) && !is_order(c) && c.filled > 0;
    if let Some(column) = best(seen, Names::MEMBER, fits) {
        let whole = column.filled == seen.rows;
        let sure = if whole && column.kind == ColumnKind::Id { Sure::Sure } else { Sure::Likely };
        return Some(Part { column, sure });
    }
    // No name says so: the one column of ids that is no order's.
    let whole = |c: &&ColumnProfile| c.kind == ColumnKind::Id && c.filled == seen.rows;
    let mut ids = seen.columns.iter().filter(whole).filter(|c| !is_order(c));
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

/// Whether a file lists people: each once, and either its name says so or nothing happens in it.
pub(super) fn lists_members(seen: &FileProfile, stem: &str, member: &ColumnProfile) -> bool {
    let each_once = member.distinct == member.filled;
    each_once
        && (LISTS_MEMBERS.are_in(stem)
            || time(seen).is_none()
            || amount(seen).is_none() && !ORDER.are_in(stem))
}
