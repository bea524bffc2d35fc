//! Words in the names of columns and files that tell what they hold.

/// The words of a name, in lower case: `customerNo`, `customer_no` and `Customer No.` have the same.
#[must_use]
pub fn words_of(name: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word = String::new();
    let mut before_is_lower = false;
    for letter in name.chars() {
        let starts = letter.is_uppercase() && before_is_lower;
        if (starts || !letter.is_alphanumeric()) && !word.is_empty() {
            words.push(std::mem::take(&mut word));
        }
        if letter.is_alphanumeric() {
            word.extend(letter.to_lowercase());
        }
        before_is_lower = letter.is_lowercase() || letter.is_numeric();
    }
    if !word.is_empty() {
        words.push(word);
    }
    words
}

/// Words of one meaning. Those in Latin letters are whole words of a name, others any part of it.
#[derive(Debug, Clone, Copy)]
pub struct Names(pub &'static [&'static str]);

impl Names {
    /// Place in the list of the first word that a name has: words that say most stand first.
    #[must_use]
    pub fn rank(self, name: &str) -> Option<usize> {
        let words = words_of(name);
        self.0.iter().position(|known| match known.is_ascii() {
            true => words.iter().any(|word| {
                word == known || word.strip_suffix('s').is_some_and(|one| one == *known)
            }),
            false => name.contains(known),
        })
    }

    /// Whether a name has one of the words.
    #[must_use]
    pub fn are_in(self, name: &str) -> bool {
        self.rank(name).is_some()
    }

    /// People who buy or belong.
    pub const MEMBER: Self = Self(&[
        "member",
        "customer",
        "client",
        "buyer",
        "shopper",
        "user",
        "household",
        "kunde",
        "cliente",
        "client",
        "会员",
        "會員",
        "客户",
        "客戶",
        "顾客",
        "顧客",
        "买家",
        "買家",
        "用户",
        "用戶",
        "guest",
        "subscriber",
        "account",
        "loyalty",
        "email",
        "mail",
    ]);
    /// What tells a name of a thing.
    pub const ID: Self = Self(&[
        "id", "uuid", "guid", "key", "sku", "ean", "isbn", "code", "编号", "編號", "号", "號",
    ]);
    /// Times.
    pub const TIME: Self = Self(&[
        "time",
        "timestamp",
        "date",
        "datetime",
        "day",
        "at",
        "ts",
        "created",
        "joined",
        "registered",
        "signup",
        "since",
        "updated",
        "when",
        "datum",
        "fecha",
        "zeit",
        "时间",
        "時間",
        "日期",
        "日",
    ]);
    /// Money.
    pub const AMOUNT: Self = Self(&[
        "total", "amount", "revenue", "paid", "sales", "spend", "spent", "turnover", "betrag",
        "umsatz", "importe", "montant", "金额", "金額", "实付", "實付", "总价", "總價", "subtotal",
        "value", "price", "dollar", "net", "gross", "cost", "fee", "discount", "tax", "shipping",
        "preis", "价", "價", "费", "費",
    ]);
    /// Shares and measures, which are no money.
    pub const MEASURE: Self = Self(&[
        "rate",
        "ratio",
        "score",
        "percent",
        "pct",
        "share",
        "lat",
        "latitude",
        "lon",
        "lng",
        "longitude",
        "weight",
        "height",
        "temperature",
        "probability",
    ]);
    /// Telephone numbers.
    pub const PHONE: Self =
        Self(&["phone", "tel", "telephone", "mobile", "手机", "手機", "电话", "電話"]);
}

/// What is said about people and things, where a name ends with it: `customer_type` names no customer.
const ABOUT: [&str; 22] = [
    "size", "count", "type", "kind", "age", "name", "status", "segment", "tier", "group", "level",
    "since", "comp", "gender", "city", "region", "country", "state", "language", "source", "score",
    "note",
];

/// Whether a name is of something about a person or a thing, and not of the person or the thing.
#[must_use]
pub fn is_about(name: &str) -> bool {
    words_of(name).last().is_some_and(|last| ABOUT.contains(&last.as_str()))
}

/// Whether a name says that the column holds ids.
pub(crate) fn names_an_id(name: &str) -> bool {
    let ends = |last: &str| words_of(name).last().is_some_and(|word| word == last);
    Names::ID.are_in(name)
        || Names::MEMBER.are_in(name) && !is_about(name)
        || ["no", "nr", "num", "ref"].iter().any(|w| ends(w))
}
