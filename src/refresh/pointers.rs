//! Variables and targets that point at a pool.
//!
//! # Source
//!
//! A server deletes a pool that only these point at, and what they choose then fails (`api.md` 3.7).

use super::{Error, Reading, estate::gathered};
use crate::{
    live::{Gap, Hides, Pointer, Scope},
    model::{Id, Name},
    octopus::wire,
};

/// Everything but steps that points at a pool, where `scope` asks for it.
pub(super) async fn pointers(
    reading: &Reading<'_>,
    scope: &Scope,
    projects: &[wire::Project],
) -> Result<(Vec<Pointer>, Vec<Gap>), Error> {
    if !scope.pointers {
        return Ok((Vec::new(), Vec::new()));
    }
    let reader = &reading.reader;
    let (targets, libraries) = tokio::try_join!(
        reading.when(true, "the deployment targets", reader.targets()),
        reading.when(true, "the library variable sets", reader.library_variable_sets()),
    )?;
    let mut gaps = Vec::new();
    let sets = sets(projects, &libraries, &mut gaps);
    let ids: Vec<String> = sets.iter().map(|(id, _)| id.clone()).collect();
    let (found, unread) = reader.variable_sets(&ids).await;
    let unread = gathered(reading, "the variables", unread)?;
    let mut pointers = Vec::new();
    for (id, owner) in sets {
        if let Some(why) = unread.get(&id) {
            let what = format!("the variables of {}", owner.what);
            gaps.push(Gap { what, why: why.to_string(), hides: Hides::Pointers });
        }
        let set = found.iter().find(|it| it.id.eq_ignore_ascii_case(&id));
        pointers.extend(set.into_iter().flat_map(|set| of_set(set, &owner)));
    }
    pointers.extend(targets.iter().filter_map(of_target));
    Ok((pointers, gaps))
}

/// Whose variables they are.
struct SetOwner {
    /// In words.
    what: String,
    /// The project, where it is one.
    project: Option<Name>,
}

/// The ids of the sets to read, each with its owner; sets in Git are gaps.
fn sets(
    projects: &[wire::Project],
    libraries: &[wire::LibraryVariableSet],
    gaps: &mut Vec<Gap>,
) -> Vec<(String, SetOwner)> {
    let mut sets = Vec::with_capacity(projects.len() + libraries.len());
    for project in projects {
        if project.persistence_settings.conversion_state.variables_are_in_git {
            gaps.push(Gap {
                what: format!("the variables of the version-controlled project {:?}", project.name),
                why: "they are stored in Git, which this version does not read".to_owned(),
                hides: Hides::Pointers,
            });
        }
        // What is sensitive stays in the database, and older variables may linger there.
        let what = format!("project {:?}", project.name);
        let owner = SetOwner { what, project: Some(Name::new(&project.name)) };
        sets.push((project.variable_set_id.clone(), owner));
    }
    for library in libraries {
        let what = format!("library variable set {:?}", library.name);
        let owner = SetOwner { what, project: None };
        sets.push((library.variable_set_id.clone(), owner));
    }
    sets.retain(|(id, _)| !id.is_empty());
    sets
}

fn of_set(set: &wire::VariableSet, owner: &SetOwner) -> Vec<Pointer> {
    let said = set.variables.iter().filter(|it| !it.value.is_empty());
    said.map(|variable| Pointer {
        what: format!("variable {:?} of {}", variable.name, owner.what),
        variable: Some(variable.name.clone()),
        project: owner.project.clone(),
        pool: Id::new(&variable.value),
    })
    .collect()
}

fn of_target(target: &wire::Target) -> Option<Pointer> {
    let pool = &target.endpoint.default_worker_pool_id;
    (!pool.is_empty()).then(|| Pointer {
        what: format!("deployment target {:?}", target.name),
        variable: None,
        project: None,
        pool: Id::new(pool),
    })
}
