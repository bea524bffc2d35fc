//! Bars as a page shows them: the greatest of many, an axis that a few far values do not stretch, and what is left out.

use maud::{Markup, html};

use crate::charts::{self, Bar, Caption};
use crate::document::{Ctx, figure};
use crate::number;
use crate::phrases::fill;

/// Bars, or pairs of bars, that one drawing has.
const BARS_MOST: usize = 12;
/// So few more are drawn as well.
const BARS_FEW: usize = 4;

/// Bars, at most so many that they are no page of their own, with what of them is not drawn or not drawn whole. `per` bars
/// of one name stay together.
pub(crate) fn bar_chart(
    ctx: &Ctx<'_>,
    caption: &Caption<'_>,
    bars: Vec<Bar>,
    per: usize,
) -> Markup {
    let (drawn, left) = longest(bars, per);
    let more = fill(ctx.p.bars_more, &[&number::whole(left as u64)]);
    html! {
        (figure(&charts::bars(caption, &drawn, charts::HALF_PX)))
        @if left > 0 { p.note { (more) } }
        (cut_note(ctx, &drawn))
    }
}

/// What the end of the axis hides.
pub(crate) fn cut_note(ctx: &Ctx<'_>, bars: &[Bar]) -> Markup {
    let size = |bar: &&Bar| bar.value.filter(|v| v.is_finite()).map_or(0.0, f64::abs);
    let longest = bars.iter().max_by(|a, b| size(a).total_cmp(&size(b)));
    let Some((cut, longest)) = charts::cut_of(bars).zip(longest) else { return html! {} };
    let beyond = number::whole(cut.beyond as u64);
    html! { p.note { (fill(ctx.p.bars_beyond, &[&beyond, &longest.figure])) } }
}

/// The groups of `per` bars with the greatest values, in their order, and how many groups are left out.
fn longest(bars: Vec<Bar>, per: usize) -> (Vec<Bar>, usize) {
    let groups = bars.len().div_ceil(per.max(1));
    if groups <= BARS_MOST + BARS_FEW {
        return (bars, 0);
    }
    let size = |group: &[Bar]| {
        let values = group.iter().filter_map(|bar| bar.value).filter(|value| value.is_finite());
        values.map(f64::abs).fold(-1.0, f64::max)
    };
    let mut order: Vec<(f64, usize)> =
        bars.chunks(per).enumerate().map(|(at, group)| (size(group), at)).collect();
    order.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
    let mut kept: Vec<usize> = order[..BARS_MOST].iter().map(|(_, at)| *at).collect();
    kept.sort_unstable();
    let drawn = bars.into_iter().enumerate();
    let drawn = drawn.filter(|(at, _)| kept.binary_search(&(at / per)).is_ok());
    (drawn.map(|(_, bar)| bar).collect(), groups - BARS_MOST)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::cast_precision_loss, reason = "small numbers")]

    use super::*;

    #[test]
    fn the_longest_bars_are_drawn_in_their_order_and_pairs_stay_together() {
        let bar = |value: usize| Bar {
            label: value.to_string(),
            value: Some(value as f64),
            figure: String::new(),
            mark: None,
            series: 0,
        };
        let values = |bars: &[Bar]| bars.iter().map(|b| b.label.clone()).collect::<Vec<_>>();
        let (drawn, left) = longest((0..60).map(|n| bar(n * 7 % 60)).collect(), 1);
        assert_eq!((drawn.len(), left), (BARS_MOST, 48));
        assert_eq!(values(&drawn)[..3], ["49", "56", "52"].map(str::to_owned));
        let (drawn, left) = longest((0..60).map(bar).collect(), 2);
        assert_eq!((drawn.len(), left, values(&drawn)[0].as_str()), (24, 18, "36"));
        let (drawn, left) = longest((0..16).map(bar).collect(), 1);
        assert_eq!((drawn.len(), left), (16, 0));
    }
}
