//! Words for what is seen of files and their columns.

use playbook_app::{self as app, DraftSource};
use playbook_batch::profile::{FileProfile, Sure};
use playbook_model::{SourceFormat, one_line};

use crate::text::Text;

/// How sure something is, in a word.
pub(crate) fn sure_word(sure: Sure) -> &'static str {
    match sure {
        Sure::Sure => "sure",
        Sure::Likely => "likely",
        Sure::Unsure => "not sure",
    }
}

/// Format, packing, encoding, delimiter, header of a file in words.
pub(crate) fn format_words(seen: &FileProfile) -> String {
    let mut words = Vec::new();
    words.extend(seen.packing.map(|packing| format!("packed with {packing}")));
    let (format, header) = match seen.format {
        SourceFormat::Csv { delimiter, header } => {
            (format!("csv, delimiter `{}`", char::from(delimiter).escape_default()), Some(header))
        }
        SourceFormat::Whitespace { header } => {
            ("columns separated by blanks".to_owned(), Some(header))
        }
        SourceFormat::JsonLines => ("JSON lines".to_owned(), None),
        SourceFormat::Parquet => ("Parquet".to_owned(), None),
    };
    words.push(format);
    words.extend(
        header.map(|header| if header { "with a header" } else { "without header" }.to_owned()),
    );
    words.push(sure_word(seen.format_sure).to_owned());
    words.extend(seen.encoding.as_ref().map(|encoding| match seen.encoding_sure {
        Sure::Sure => encoding.clone(),
        sure => format!("{encoding} ({})", sure_word(sure)),
    }));
    words.join(", ")
}

/// What words of the source's columns mean, a line a column.
pub(crate) fn meanings(source: &DraftSource) -> Text {
    let mut text = Text::default();
    for row in source.rows.iter().filter(|row| row.translates()) {
        let column = one_line(&row.column.name);
        text.push_str(&format!("{} of {column}: {}\n", row.field, words(row)));
    }
    text
}

/// Words shown of one column.
const WORDS_SHOWN: usize = 12;

/// What words of a column mean; how sure that is, where it is not.
fn words(row: &app::DraftRow) -> String {
    let word = |value: &app::Meaning| {
        let doubt = match value.sure {
            Sure::Unsure => format!(" ({})", sure_word(value.sure)),
            Sure::Likely | Sure::Sure => String::new(),
        };
        format!("{} = {}{doubt}", one_line(&value.word), value.means)
    };
    let more = row.values.len().saturating_sub(WORDS_SHOWN);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    let words: Vec<String> = row.values.iter().take(WORDS_SHOWN).map(word).collect();
    format!("{}{more}", words.join(", "))
}
