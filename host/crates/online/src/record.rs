//! What is kept of one member: its events as they were packed, its profile, its answers about consents.

use playbook_features::{
    ConsentState, EventRows, MemberPlan, MemberRecord, SaidOf, Value, YoungestAge,
};

use serde_json::{Map, Value as Json};

use crate::packed::{Kept, Reader, Unreadable, number_of, put_number, words};
use crate::store::{ConsentRow, Evidence};

/// Bytes of a member's events at most; a member beyond is an accident or an attack.
pub(crate) const RECORD_BYTES_MAX: usize = 1 << 20;

/// The record of a member. Events stand in the order in which they came: a fold takes them in any order.
#[derive(Debug, Clone, Default)]
pub struct Record {
    /// Each with the length of its id, the id, the length of its bytes, the bytes.
    events: Vec<u8>,
    count: u32,
    profile: Vec<(String, Kept)>,
    consents: Vec<Consent>,
    /// Of a member with several accounts, what tells them apart.
    joined: Option<Box<Joined>>,
}

/// The accounts of one person.
#[derive(Debug, Clone)]
struct Joined {
    /// The member's id.
    id: String,
    /// See [`crate::store::MemberRow::changed`].
    changed: i64,
    others: Vec<Account>,
}

/// An account as it is read.
#[derive(Debug, Clone, Default)]
pub(crate) struct Account {
    pub(crate) id: String,
    /// See [`crate::store::MemberRow::changed`].
    pub(crate) changed: i64,
    pub(crate) record: Record,
}

/// An answer about a consent, with what proves it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Consent {
    /// What for.
    pub purpose: String,
    /// What was answered.
    pub state: String,
    /// When, unix-ms.
    pub time: Option<i64>,
    /// Version of the text that was shown.
    pub text_version: Option<String>,
    /// Where it was asked.
    pub channel: Option<String>,
}

/// An event of a record.
#[derive(Debug, Clone)]
pub(crate) struct Packed<'a> {
    pub(crate) id: &'a str,
    pub(crate) bytes: &'a [u8],
}

impl Record {
    /// The record of a person: of the account whose id is the member's, and of further ones.
    pub(crate) fn of_person(
        Account { id, changed, record }: Account,
        others: Vec<Account>,
    ) -> Self {
        match others.is_empty() {
            true => record,
            false => Self { joined: Some(Box::new(Joined { id, changed, others })), ..record },
        }
    }

    /// The id of the member, where it has several accounts.
    pub(crate) fn joined_id(&self) -> Option<&str> {
        self.joined.as_ref().map(|joined| joined.id.as_str())
    }

    fn others(&self) -> &[Account] {
        self.joined.as_ref().map_or(&[], |joined| &joined.others)
    }

    /// All accounts, each with its id and when its profile was changed; `id` is that of the member.
    fn accounts<'a>(&'a self, id: &'a str) -> impl Iterator<Item = (&'a str, i64, &'a Self)> {
        let others = self.others().iter().map(|of| (of.id.as_str(), of.changed, &of.record));
        let changed = self.joined.as_ref().map_or(0, |joined| joined.changed);
        std::iter::once((id, changed, self)).chain(others)
    }

    /// The accounts that have a profile.
    fn listed(&self) -> impl Iterator<Item = (&str, i64, &Self)> {
        let all = self.accounts(self.joined_id().unwrap_or_default());
        all.filter(|(.., account)| !account.profile.is_empty())
    }

    /// The account whose profile holds: that which was changed last.
    fn with_profile(&self) -> &Self {
        if self.joined.is_none() {
            return self;
        }
        let last = self.listed().max_by_key(|(id, changed, _)| (*changed, *id));
        last.map_or(self, |(.., account)| account)
    }

    /// Number of events.
    #[must_use]
    pub fn events(&self) -> u32 {
        self.count + self.others().iter().map(|other| other.record.count).sum::<u32>()
    }

    /// Memory that it takes, in bytes.
    pub(crate) fn bytes(&self) -> usize {
        let of_profile = self.profile.len() * 64;
        size_of::<Self>()
            + self.events.capacity()
            + of_profile
            + self.consents.len() * size_of::<Consent>() * 2
            + self.others().iter().map(|of| of.id.capacity() + of.record.bytes()).sum::<usize>()
    }

    /// Fields of the profile with their values; of several accounts, those of the one that was changed last.
    #[must_use]
    pub fn profile(&self) -> &[(String, Kept)] {
        &self.with_profile().profile
    }

    /// Answers about consents, account by account.
    pub fn consents(&self) -> impl Iterator<Item = &Consent> {
        self.accounts("").flat_map(|(.., account)| &account.consents)
    }

    /// Bytes of all events.
    fn event_bytes(&self) -> usize {
        self.events.len() + self.others().iter().map(|of| of.record.events.len()).sum::<usize>()
    }

    /// Whether an event fits.
    pub(crate) fn has_room(&self, event: &Packed<'_>) -> bool {
        self.event_bytes() + event.id.len() + event.bytes.len() + 8 <= RECORD_BYTES_MAX
    }

    /// Adds an event, unless one with its id is there.
    pub(crate) fn add(&mut self, event: &Packed<'_>) -> Result<bool, Unreadable> {
        if self.find(event.id)?.is_some() {
            return Ok(false);
        }
        self.push(event);
        Ok(true)
    }

    /// Adds an event whose id is known to be new: looking for it would make reading a record take quadratic time.
    pub(crate) fn push(&mut self, event: &Packed<'_>) {
        put_number(&mut self.events, event.id.len() as u64);
        self.events.extend(event.id.as_bytes());
        put_number(&mut self.events, event.bytes.len() as u64);
        self.events.extend(event.bytes);
        self.count += 1;
    }

    /// The bytes of the event with an id.
    pub(crate) fn find(&self, id: &str) -> Result<Option<&[u8]>, Unreadable> {
        for event in self.packed() {
            let event = event?;
            if event.id == id {
                return Ok(Some(event.bytes));
            }
        }
        Ok(None)
    }

    pub(crate) fn packed(&self) -> impl Iterator<Item = Result<Packed<'_>, Unreadable>> {
        let mut reader = Reader(&self.events);
        std::iter::from_fn(move || {
            (!reader.is_at_end()).then(|| {
                let length = reader.number()?;
                let id = reader.text(length)?;
                let length = usize::try_from(reader.number()?).map_err(|_| Unreadable)?;
                Ok(Packed { id, bytes: reader.take(length)? })
            })
        })
    }

    /// Events as they came, in order of time, each with the account in whose name it came.
    pub(crate) fn told(&self, member: &str) -> Result<Vec<Json>, Unreadable> {
        let mut events = Vec::new();
        for (id, _, account) in self.accounts(member) {
            account.tell(id, &mut events)?;
        }
        events.sort_by_key(|(time, _)| *time);
        Ok(events.into_iter().map(|(_, event)| event).collect())
    }

    /// Adds the events of one account, with their times.
    fn tell(&self, account: &str, events: &mut Vec<(i64, Json)>) -> Result<(), Unreadable> {
        for event in self.packed() {
            let Packed { id, bytes } = event?;
            let mut reader = Reader(bytes);
            let time = reader.begin()?;
            let mut told = Map::new();
            told.insert("event_id".to_owned(), id.into());
            told.insert("member".to_owned(), account.into());
            told.insert("time".to_owned(), time.into());
            while !reader.is_at_end() {
                let (name, value) = reader.field()?;
                told.insert(name.text().to_owned(), json(value));
            }
            events.push((time, Json::Object(told)));
        }
        Ok(())
    }

    pub(crate) fn set_profile(&mut self, profile: Vec<(String, Kept)>) {
        self.profile = profile;
    }

    pub(crate) fn add_consent(&mut self, row: ConsentRow) {
        let ConsentRow { purpose, state, time, evidence } = row;
        let Evidence { text_version, channel } = evidence;
        self.consents.push(Consent { purpose, state, time, text_version, channel });
    }

    /// The record as a plan folds it.
    pub(crate) fn read<'a>(
        &'a self,
        id: &'a str,
        plan: &MemberPlan,
        fields: &FieldPlaces,
    ) -> Result<MemberRecord<'a>, Unreadable> {
        let width = plan.fields().len();
        let mut rows = EventRows::new(width);
        let mut values = vec![Value::Missing; width];
        for (of, _, account) in self.accounts(id) {
            for event in account.packed() {
                let Packed { id, bytes } = event?;
                let mut reader = Reader(bytes);
                let time = reader.begin()?;
                values.fill(Value::Missing);
                while !reader.is_at_end() {
                    let (name, value) = reader.field()?;
                    if let Some(at) = fields.place(name) {
                        values[at] = value;
                    }
                }
                rows.push(time, id, values.iter().copied());
                if self.joined.is_some() {
                    rows.came_for(of);
                }
            }
        }
        let last = self.with_profile();
        let of_profile = |(at, name): (usize, &String)| match self.joined.is_some() {
            true if fields.ages.contains(&at) => self.youngest(name),
            _ => last.field(name),
        };
        let consents = self.accounts(id).enumerate().flat_map(|(account, (.., record))| {
            record.consents.iter().map(move |answer| SaidOf {
                account,
                purpose: answer.purpose.as_str(),
                state: ConsentState::of(Some(&answer.state)),
                time: answer.time,
            })
        });
        Ok(MemberRecord {
            id,
            events: rows,
            profile: plan.profile().iter().enumerate().map(of_profile).collect(),
            consents: consents.collect(),
        })
    }

    fn field(&self, name: &str) -> Value<'_> {
        let known = self.profile.iter().find(|(known, _)| known == name);
        known.map_or(Value::Missing, |(_, value)| value.value())
    }

    /// The youngest age band of all accounts that have a profile.
    fn youngest(&self, name: &str) -> Value<'_> {
        let mut age = YoungestAge::<&str>::default();
        self.listed().for_each(|(.., account)| age.hear(account.field(name).text()));
        age.holds().map_or(Value::Missing, Value::Text)
    }
}

/// A value as a client sent it.
pub(crate) fn json(value: Value<'_>) -> Json {
    match value {
        Value::Missing => Json::Null,
        Value::Integer(value) => value.into(),
        Value::Real(value) => value.into(),
        Value::Text(text) => text.into(),
    }
}

/// Where the fields of a plan stand, by the words of the dictionary.
#[derive(Debug)]
pub(crate) struct FieldPlaces {
    known: Vec<Option<usize>>,
    others: Vec<(String, usize)>,
    /// Fields of the profile that hold age bands, by position.
    ages: Vec<usize>,
}

impl FieldPlaces {
    pub(crate) fn new(plan: &MemberPlan, is_age: impl Fn(&str) -> bool) -> Self {
        let ages = (0..plan.profile().len()).filter(|at| is_age(&plan.profile()[*at])).collect();
        let mut places = Self { known: vec![None; words()], others: Vec::new(), ages };
        for (at, name) in plan.fields().iter().enumerate() {
            match number_of(name) {
                Some(number) => places.known[number] = Some(at),
                None => places.others.push((name.clone(), at)),
            }
        }
        places
    }

    fn place(&self, name: crate::packed::Word<'_>) -> Option<usize> {
        match name {
            crate::packed::Word::Known(number) => self.known[number],
            crate::packed::Word::Text(text) => {
                self.others.iter().find(|(known, _)| known == text).map(|(_, at)| *at)
            }
        }
    }
}
