//! Merges combinations of names that have one place into rules with lists of names.
//!
//! A rule matches every combination of its names, so two rows share a rule only if they have equal columns.

use super::{super::catalog::RuleFacet, AcceptedCell, FoldedRule, RowsByColumns};
use std::collections::BTreeMap;

/// Returns the rules for cells of these facets that are all in one place.
pub(super) fn merge_cells(
    facets: &[RuleFacet],
    place: usize,
    cells: Vec<AcceptedCell>,
) -> Vec<FoldedRule> {
    let (firsts, seconds) = match facets {
        [_] => return vec![merge_names(facets, place, cells)],
        // Of two ways to group, the one that is shorter to read.
        [_, _] => (group_cells(&cells, 0), group_cells(&cells, 1)),
        // Of more facets, only the names of steps share a rule.
        _ => (group_cells(&cells, facets.len().saturating_sub(1)), Vec::new()),
    };
    let cost = |blocks: &[NameBlock]| -> usize {
        blocks.iter().map(|block| 3 + block.names.iter().map(Vec::len).sum::<usize>()).sum()
    };
    let blocks =
        if !seconds.is_empty() && cost(&seconds) < cost(&firsts) { seconds } else { firsts };
    let mut steps: BTreeMap<Vec<usize>, Vec<usize>> =
        cells.into_iter().map(|cell| (cell.names, cell.steps)).collect();
    let rule = |block: NameBlock| {
        let mut reach = Vec::new();
        block.each_combination(&mut |names| reach.extend(steps.remove(names).unwrap_or_default()));
        FoldedRule { place, terms: facets.iter().copied().zip(block.names).collect(), reach }
    };
    blocks.into_iter().map(rule).collect()
}

/// Returns one rule for all cells of one facet.
fn merge_names(facets: &[RuleFacet], place: usize, cells: Vec<AcceptedCell>) -> FoldedRule {
    let (mut names, mut reach) = (Vec::with_capacity(cells.len()), Vec::new());
    for cell in cells {
        names.extend(cell.names);
        reach.extend(cell.steps);
    }
    reach.sort_unstable();
    reach.dedup();
    let terms = facets.iter().map(|facet| (*facet, names.clone())).collect();
    FoldedRule { place, terms, reach }
}

/// Names for each facet, all of whose combinations are cells.
struct NameBlock {
    names: Vec<Vec<usize>>,
}

impl NameBlock {
    fn each_combination(&self, visit: &mut impl FnMut(&[usize])) {
        let mut chosen = Vec::with_capacity(self.names.len());
        visit_combinations(&self.names, &mut chosen, visit);
    }
}

fn visit_combinations(
    names: &[Vec<usize>],
    chosen: &mut Vec<usize>,
    visit: &mut impl FnMut(&[usize]),
) {
    let Some((first, others)) = names.split_first() else { return visit(chosen) };
    for name in first {
        chosen.push(*name);
        visit_combinations(others, chosen, visit);
        chosen.pop();
    }
}

/// Groups cells that differ in the facet at `along` alone; of two facets, rows with equal columns share a block.
fn group_cells(cells: &[AcceptedCell], along: usize) -> Vec<NameBlock> {
    let mut rows: BTreeMap<Vec<usize>, Vec<usize>> = BTreeMap::new();
    for cell in cells {
        let mut others = cell.names.clone();
        if along < others.len() {
            let name = others.remove(along);
            rows.entry(others).or_default().push(name);
        }
    }
    let is_pair = cells.first().is_some_and(|cell| cell.names.len() == 2);
    if !is_pair {
        let block = |(others, names): (Vec<usize>, Vec<usize>)| {
            let mut all: Vec<Vec<usize>> = others.into_iter().map(|name| vec![name]).collect();
            all.insert(along.min(all.len()), names);
            NameBlock { names: all }
        };
        return rows.into_iter().map(block).collect();
    }
    let mut order = Vec::new();
    let mut alike = RowsByColumns::new();
    for (others, names) in rows {
        let row = others.first().copied().unwrap_or_default();
        let known = alike.entry(names.clone()).or_default();
        if known.is_empty() {
            order.push(names);
        }
        known.push(row);
    }
    let block = |columns: Vec<usize>| {
        let rows = alike.remove(&columns).unwrap_or_default();
        NameBlock { names: if along == 0 { vec![columns, rows] } else { vec![rows, columns] } }
    };
    order.into_iter().map(block).collect()
}
