//! `currently`: selects steps by where they run today. What happens to them is decided elsewhere.

use super::{
    built_in::{BuiltInWorkerState, BuiltInWorkerUse, CandidateStep},
    goal::StepReach,
    matched::Matched,
    reference::{ReferentKind, unknown_name_error},
};
use crate::{
    desired::{
        CurrentPlace, CurrentPlaces, DEFAULT, Declared, DesiredPoolRef, SERVER, TARGET, VARIABLE,
    },
    finding::{Code, Finding, Span},
    model::{Id, Place, Pool, PoolHandle},
    text::{fold_case, nearest_name, pattern::Pattern},
};

/// A resolved `currently`: the step must run in one of some places and in none of some others.
pub(super) struct PlaceConditions {
    /// `None` if a step may run anywhere.
    include: Option<Vec<PlaceCondition>>,
    exclude: Vec<PlaceCondition>,
}

impl PlaceConditions {
    /// Resolves `currently`; pools that do not exist and wildcards that match nothing are reported to `findings`.
    pub(super) fn new(
        matched: &Matched,
        wanted: &Declared<CurrentPlaces>,
        findings: &mut Vec<Finding>,
    ) -> Self {
        let mut resolve_all = |words: &[CurrentPlace]| {
            let conditions = words.iter().map(|word| {
                let places = PlaceCondition::resolve_word(matched, word)?;
                let idle = match word {
                    CurrentPlace::Matching(pattern) if places.is_empty() => Some(pattern),
                    _ => None,
                };
                idle.map_or(Ok(places), |it| Err(idle_place_warning(matched, it, &wanted.span)))
            });
            let conditions =
                conditions.filter_map(|condition| condition.map_err(|it| findings.push(it)).ok());
            conditions.flatten().collect::<Vec<_>>()
        };
        Self {
            include: (!wanted.include.is_empty()).then(|| resolve_all(&wanted.include)),
            exclude: resolve_all(&wanted.exclude),
        }
    }

    /// Whether a step matches, in either state of the built-in worker.
    pub(super) fn matches_step<'a>(
        &self,
        candidate: CandidateStep<'a>,
        built_in: &BuiltInWorkerUse<'a>,
    ) -> bool {
        let holds = |condition: &PlaceCondition| {
            built_in.both_states().iter().any(|state| condition.holds_for_step(candidate, state))
        };
        self.include.as_ref().is_none_or(|any| any.iter().any(holds))
            && !self.exclude.iter().any(holds)
    }
}

/// Returns the words that `currently` takes: those for places, and the keys and names of pools.
fn place_words<'a>(matched: &Matched<'a>) -> impl Iterator<Item = &'a str> {
    let keys = matched.desired.pools.keys().map(String::as_str);
    let names = matched.live.pools.iter().map(|pool| pool.name.as_str());
    [SERVER, DEFAULT, TARGET, VARIABLE].into_iter().chain(keys).chain(names)
}

/// Returns the warning about a wildcard that matches no place.
fn idle_place_warning(matched: &Matched, pattern: &Pattern, span: &Span) -> Finding {
    let message = format!("no pool matches `{}`", pattern.as_str());
    let bare = pattern.as_str().replace(['*', '?'], "");
    let help = match nearest_name(&bare, place_words(matched)) {
        Some(near) => format!("a similar word exists: `{near}`"),
        None => "remove it, or correct it to match a pool".to_owned(),
    };
    Finding::warning(Code::UnknownPool, span.clone(), message).with_help(help)
}

/// A resolved place.
enum PlaceCondition {
    /// On the built-in worker, or nowhere because the built-in worker is switched off.
    Server,
    /// In the default pool, since the step names none.
    Default,
    /// On deployment targets.
    Target,
    /// In a pool that a variable chooses.
    Variable,
    /// In this pool.
    Pool(Id<Pool>),
    /// In a pool that does not exist yet, so that no step matches.
    Nowhere,
}

impl PlaceCondition {
    /// Resolves a word of `currently`: a pattern may stand for several places, or none.
    ///
    /// # Errors
    ///
    /// Returns a finding for a pool that does not exist.
    fn resolve_word(matched: &Matched, wanted: &CurrentPlace) -> Result<Vec<Self>, Finding> {
        let pattern = match wanted {
            CurrentPlace::Server => return Ok(vec![Self::Server]),
            CurrentPlace::Default => return Ok(vec![Self::Default]),
            CurrentPlace::Target => return Ok(vec![Self::Target]),
            CurrentPlace::Variable => return Ok(vec![Self::Variable]),
            CurrentPlace::Pool(pool) => return Ok(vec![Self::from_pool_ref(matched, pool)?]),
            CurrentPlace::Matching(pattern) => pattern,
        };
        let words = [
            (SERVER, Self::Server),
            (DEFAULT, Self::Default),
            (TARGET, Self::Target),
            (VARIABLE, Self::Variable),
        ];
        let words = words.into_iter().filter(|(word, _)| pattern.matches(word));
        let pools = matched.live.pools.iter().filter(|pool| {
            let key = matched.pool_key(&pool.id);
            pattern.matches(pool.name.as_folded())
                || key.is_some_and(|key| pattern.matches(&fold_case(key)))
        });
        let pools = pools.map(|pool| Self::Pool(pool.id.clone()));
        Ok(words.map(|(_, place)| place).chain(pools).collect())
    }

    fn from_pool_ref(matched: &Matched, pool: &Declared<DesiredPoolRef>) -> Result<Self, Finding> {
        match matched.resolve_pool(pool) {
            Ok(PoolHandle::Existing { id, .. }) => Ok(Self::Pool(id)),
            Ok(PoolHandle::New(_)) => Ok(Self::Nowhere),
            // A file that empties a pool and removes it must stay valid after the pool is gone.
            Err(_) if matched.is_pool_removed(&pool.value) => Ok(Self::Nowhere),
            Err(finding) => match &pool.value {
                DesiredPoolRef::Live(text) if finding.code == Code::UnknownPool => {
                    let (kind, span) = (ReferentKind::Pool, pool.span.clone());
                    Err(unknown_name_error(kind, text, place_words(matched), span))
                }
                _ => Err(finding),
            },
        }
    }

    /// Whether a step runs in this place.
    fn holds_for_step<'a>(
        &self,
        candidate: CandidateStep<'a>,
        built_in: &BuiltInWorkerState<'a>,
    ) -> bool {
        let CandidateStep { step, reach, .. } = candidate;
        let on_worker = reach == StepReach::Worker;
        match self {
            Self::Server => built_in.runs_on_built_in(candidate),
            Self::Default => on_worker && step.place == Place::DefaultPool,
            Self::Target => matches!(reach, StepReach::Targets | StepReach::OnlyTargets),
            Self::Variable => on_worker && matches!(step.place, Place::Variable(_)),
            Self::Pool(id) => on_worker && step.place == Place::Pool(id.clone()),
            Self::Nowhere => false,
        }
    }
}
