//! The codes with which the host refuses proposals.

/// Code of a refusal, in the order in which the checks run (domain H6).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RefusalCode {
    /// Schema or limit.
    R01,
    /// Strategy not running.
    R02,
    /// Crisis freeze.
    R03,
    /// Unknown identity.
    R04,
    /// No consent for the purpose.
    R05,
    /// Holdout or other experiment arm.
    R06,
    /// Law, claim or label rule.
    R07,
    /// Price not authorised.
    R08,
    /// Content not approved.
    R09,
    /// Stage's commercial cap.
    R10,
    /// Fraud hold.
    R11,
    /// Duplicate.
    R12,
    /// Frequency cap.
    R13,
    /// Lost arbitration.
    R14,
    /// Budget.
    R15,
}

impl RefusalCode {
    /// All codes in order.
    pub const ALL: [Self; 15] = [
        Self::R01,
        Self::R02,
        Self::R03,
        Self::R04,
        Self::R05,
        Self::R06,
        Self::R07,
        Self::R08,
        Self::R09,
        Self::R10,
        Self::R11,
        Self::R12,
        Self::R13,
        Self::R14,
        Self::R15,
    ];

    /// The code, "R01" to "R15".
    #[must_use]
    pub fn code(self) -> &'static str {
        const CODES: [&str; 15] = [
            "R01", "R02", "R03", "R04", "R05", "R06", "R07", "R08", "R09", "R10", "R11", "R12",
            "R13", "R14", "R15",
        ];
        CODES[self as usize]
    }

    /// The code in words, in `lang` ("en" or "zh").
    #[must_use]
    pub fn words(self, lang: &str) -> &'static str {
        const WORDS: [(&str, &str); 15] = [
            ("schema or limit", "格式或限額"),
            ("strategy not running", "策略未運行"),
            ("crisis freeze", "危機凍結"),
            ("unknown identity", "身份未知"),
            ("no consent for the purpose", "用途未獲同意"),
            ("holdout or other experiment arm", "留出組或其他實驗組"),
            ("law, claim or label rule", "法規、宣稱或標識規則"),
            ("price not authorised", "價格未授權"),
            ("content not approved", "內容未審批"),
            ("commercial cap of the stage", "階段商業上限"),
            ("fraud hold", "欺詐暫扣"),
            ("duplicate", "重複觸達"),
            ("frequency cap", "頻次上限"),
            ("lost arbitration", "仲裁落選"),
            ("budget", "預算"),
        ];
        let (en, zh) = WORDS[self as usize];
        if lang == "zh" { zh } else { en }
    }
}
