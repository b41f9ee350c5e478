//! Claims: one worker a task, by a symbolic link that names its owner.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use super::atomic;
use super::error::StoreError;
use super::owner::{Life, Owner, Watch, new_id};

/// Pause between two looks at a claim that is waited for.
const PAUSE: Duration = Duration::from_millis(20);

/// This process among those that claim.
#[derive(Debug)]
pub(crate) struct Claimant {
    id: Arc<str>,
    /// Tells others that this process lives; `None` if it only reads the store, so that
    /// its claims are nobody's in the eyes of others.
    owner: Option<Arc<Owner>>,
    watch: Watch,
    /// Claims that this process holds or is about to take.
    held: Arc<Mutex<HashSet<PathBuf>>>,
}

impl Claimant {
    /// Begins to give signs of life in `area`.
    pub(crate) fn begin(area: &Path) -> Result<Self, StoreError> {
        let owner = Owner::begin(area)?;
        Ok(Self::of(Some(owner), Watch::new(area.to_owned())))
    }

    /// One that writes nothing but the claims themselves.
    pub(crate) fn unseen(area: &Path) -> Self {
        Self::of(None, Watch::new(area.to_owned()))
    }

    fn of(owner: Option<Owner>, watch: Watch) -> Self {
        let id = owner
            .as_ref()
            .map_or_else(new_id, |owner| owner.id().to_owned());
        Self {
            id: id.into(),
            owner: owner.map(Arc::new),
            watch,
            held: Arc::default(),
        }
    }

    pub(crate) fn is_unseen(&self) -> bool {
        self.owner.is_none()
    }

    /// Makes the claim at `path`, or gives `None` if a living owner, perhaps this one,
    /// holds it. The claim of one that has ended is taken over.
    ///
    /// In the moment of taking over, two processes may both believe that they
    /// hold a claim. They then do the same work, the first to publish wins, and
    /// both are right.
    pub(crate) fn try_take(&self, path: &Path) -> Result<Option<Claim>, StoreError> {
        if !hold(&self.held).insert(path.to_owned()) {
            return Ok(None);
        }
        let taken = self.take_from_others(path);
        if !matches!(taken, Ok(true)) {
            hold(&self.held).remove(path);
        }
        Ok(taken?.then(|| Claim {
            path: path.to_owned(),
            id: Arc::clone(&self.id),
            _owner: self.owner.clone(),
            held: Arc::clone(&self.held),
        }))
    }

    fn take_from_others(&self, path: &Path) -> Result<bool, StoreError> {
        loop {
            if atomic::link_if_free(path, &self.id)? {
                return Ok(true);
            }
            match atomic::link_text(path)? {
                // It has just been given back.
                None => {}
                // A file system has made it and lost its answer.
                Some(holder) if *holder == *self.id => return Ok(true),
                Some(holder) if self.watch.look(&holder)? == Life::Ended => {
                    take_over(path, &holder)?;
                }
                Some(_) => return Ok(false),
            }
        }
    }

    /// The same, waiting until nobody else holds it.
    pub(crate) fn take(&self, path: &Path) -> Result<Claim, StoreError> {
        loop {
            match self.try_take(path)? {
                Some(claim) => return Ok(claim),
                None => thread::sleep(PAUSE),
            }
        }
    }

    /// Whether anybody holds the claim at `path`. Writes nothing.
    pub(crate) fn is_held(&self, path: &Path) -> bool {
        let holder = atomic::link_text(path).ok().flatten();
        let life = holder.and_then(|holder| self.watch.look(&holder).ok());
        life.is_some_and(|life| life != Life::Ended)
    }

    /// Waits until nobody holds the claim at `path`.
    pub(crate) fn wait_while_held(&self, path: &Path) {
        while self.is_held(path) {
            thread::sleep(PAUSE);
        }
    }

    /// The other processes that live, in words. One elsewhere that gives no sign is waited
    /// for until it counts as dead.
    pub(crate) fn others(&self) -> Result<Vec<String>, StoreError> {
        loop {
            let (living, silent) = self.watch.others(&self.id)?;
            if !living.is_empty() || silent == 0 {
                return Ok(living);
            }
            thread::sleep(PAUSE);
        }
    }

    /// Removes the signs and claims of processes that have ended.
    pub(crate) fn sweep(&self, claims: &Path) -> Result<(), StoreError> {
        for name in atomic::names(claims)? {
            let path = claims.join(&name);
            // Networked file systems keep files of their own, with names that begin so.
            if name.starts_with('.') {
                continue;
            }
            if name.contains(ASIDE) {
                atomic::remove_file(&path)?;
            } else if path.is_symlink() {
                // Taken from whoever has ended, and given back at once.
                drop(self.try_take(&path)?);
            }
        }
        self.watch.sweep(&self.id)
    }
}

fn hold(held: &Mutex<HashSet<PathBuf>>) -> MutexGuard<'_, HashSet<PathBuf>> {
    held.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The right to work on a task, or to publish results. Dropping it gives it back.
#[derive(Debug)]
pub struct Claim {
    path: PathBuf,
    id: Arc<str>,
    /// Lives as long as the claim.
    _owner: Option<Arc<Owner>>,
    held: Arc<Mutex<HashSet<PathBuf>>>,
}

impl Drop for Claim {
    fn drop(&mut self) {
        // A claim that another process took over, since it held this one for dead, is its own.
        let holder = atomic::link_text(&self.path);
        let ours = holder.is_ok_and(|holder| holder.as_deref() == Some(&*self.id));
        if ours {
            // One that stays is held by nobody once this process has ended.
            let _ = atomic::remove_file(&self.path);
        }
        hold(&self.held).remove(&self.path);
    }
}

/// Stands in the name of a claim that is taken over, before what tells it from others.
const ASIDE: char = '.';

/// Removes the claim of an owner that has ended.
///
/// It is moved away first: of several processes that do so one succeeds. If
/// what was moved is another's claim after all, it is put back.
fn take_over(path: &Path, ended: &str) -> Result<(), StoreError> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let aside = path.with_file_name(format!("{name}{ASIDE}{}", atomic::unique()));
    if !atomic::rename_if_there(path, &aside)? {
        return Ok(());
    }
    if let Some(found) = atomic::link_text(&aside)?
        && found != ended
    {
        atomic::link_if_free(path, &found)?;
    }
    atomic::remove_file(&aside)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;
    use std::sync::Barrier;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use tempfile::TempDir;

    use super::super::owner::tests::{elsewhere, lose};
    use super::*;

    struct World {
        folder: TempDir,
    }

    impl World {
        fn new() -> Self {
            Self {
                folder: TempDir::new().unwrap(),
            }
        }

        fn owners(&self) -> PathBuf {
            self.folder.path().join("owners")
        }

        fn claimant(&self) -> Claimant {
            Claimant::begin(&self.owners()).unwrap()
        }

        /// One that gives others up after `patience`.
        fn hasty(&self, patience: Duration) -> Claimant {
            let watch = Watch::with_patience(self.owners(), patience);
            Claimant::of(Some(Owner::begin(&self.owners()).unwrap()), watch)
        }

        fn path(&self) -> PathBuf {
            self.folder.path().join("claim")
        }
    }

    #[test]
    fn a_claim_is_held_by_one_until_it_is_given_back() {
        let world = World::new();
        let (one, other) = (world.claimant(), world.claimant());
        let claim = one.try_take(&world.path()).unwrap().unwrap();
        assert!(one.is_held(&world.path()) && other.is_held(&world.path()));
        assert!(other.try_take(&world.path()).unwrap().is_none());
        let twice = one.try_take(&world.path()).unwrap();
        assert!(twice.is_none(), "not twice by the same process");
        drop(claim);
        assert!(!one.is_held(&world.path()));
        let claim = other.try_take(&world.path()).unwrap().unwrap();
        assert!(one.try_take(&world.path()).unwrap().is_none());
        drop(claim);
        assert!(!world.path().is_symlink());
    }

    #[test]
    fn the_claim_of_a_machine_that_was_lost_is_taken_over_once() {
        let world = World::new();
        let far = elsewhere(&world.owners(), Duration::from_mins(1));
        let near = world.hasty(Duration::from_millis(200));
        symlink(far.id(), world.path()).unwrap();
        let take = || near.try_take(&world.path()).unwrap();
        assert!(take().is_none(), "it may live");
        lose(far);
        let claim = near.take(&world.path()).unwrap();
        assert!(take().is_none());
        drop(claim);
        let names = atomic::names(world.folder.path()).unwrap();
        assert_eq!(names, ["owners"], "nothing is left over");
    }

    #[test]
    fn a_claim_that_was_taken_over_is_not_given_back_by_its_first_owner() {
        let world = World::new();
        let (one, other) = (world.claimant(), world.claimant());
        let claim = one.try_take(&world.path()).unwrap().unwrap();
        std::fs::remove_file(world.path()).unwrap();
        symlink(&*other.id, world.path()).unwrap();
        drop(claim);
        assert!(one.try_take(&world.path()).unwrap().is_none());
    }

    #[test]
    fn a_claim_whose_making_was_not_answered_is_ours() {
        let world = World::new();
        let (one, other) = (world.claimant(), world.claimant());
        symlink(&*one.id, world.path()).unwrap();
        assert!(other.try_take(&world.path()).unwrap().is_none());
        let claim = one.try_take(&world.path()).unwrap();
        assert!(claim.is_some());
    }

    #[test]
    fn what_is_no_claim_is_an_error_and_what_names_nobody_is_taken_over() {
        let world = World::new();
        std::fs::write(world.path(), b"").unwrap();
        world.claimant().try_take(&world.path()).unwrap_err();
        std::fs::remove_file(world.path()).unwrap();
        symlink("/somewhere", world.path()).unwrap();
        assert!(world.claimant().try_take(&world.path()).unwrap().is_some());
    }

    #[test]
    fn of_many_that_want_a_claim_at_once_one_gets_it() {
        let world = World::new();
        let claimants: Vec<Claimant> = (0..8).map(|_| world.claimant()).collect();
        let (inside, most) = (AtomicUsize::new(0), AtomicUsize::new(0));
        let start = Barrier::new(claimants.len());
        thread::scope(|scope| {
            for claimant in &claimants {
                scope.spawn(|| {
                    start.wait();
                    for _ in 0..50 {
                        let claim = claimant.take(&world.path()).unwrap();
                        let now = inside.fetch_add(1, Ordering::SeqCst) + 1;
                        most.fetch_max(now, Ordering::SeqCst);
                        inside.fetch_sub(1, Ordering::SeqCst);
                        drop(claim);
                    }
                });
            }
        });
        assert_eq!(most.into_inner(), 1);
    }

    #[test]
    fn what_processes_that_ended_have_left_is_swept_and_what_others_hold_stays() {
        let world = World::new();
        let claims = world.folder.path().join("claims");
        std::fs::create_dir(&claims).unwrap();
        for (name, owner) in [("ended", "0f".repeat(16)), ("ended.1-2-3", "0e".repeat(16))] {
            symlink(owner, claims.join(name)).unwrap();
        }
        let other = world.claimant();
        let held = other.try_take(&claims.join("held")).unwrap().unwrap();
        world.claimant().sweep(&claims).unwrap();
        assert_eq!(atomic::names(&claims).unwrap(), ["held"]);
        drop(held);
    }

    #[test]
    fn others_are_named_and_one_that_is_lost_elsewhere_is_waited_for() {
        let world = World::new();
        let near = world.hasty(Duration::from_millis(200));
        assert!(near.others().unwrap().is_empty());
        lose(elsewhere(&world.owners(), Duration::from_mins(1)));
        assert!(near.others().unwrap().is_empty(), "it was lost");
        let beats = elsewhere(&world.owners(), Duration::from_millis(20));
        let [far] = &near.others().unwrap()[..] else {
            panic!("it lives")
        };
        assert!(far.contains("on far"), "{far}");
        drop(beats);
        let other = world.claimant();
        let [named] = &near.others().unwrap()[..] else {
            panic!("it lives")
        };
        assert!(named.contains(&std::process::id().to_string()), "{named}");
        drop(other);
    }
}
