//! What a box may use of its machine, and how much of it there is to give.

use core::fmt;

use super::Refusal;

/// One of the things that are given out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Resource {
    /// Processors.
    Cpus,
    /// Memory, in MiB.
    Memory,
    /// Disk, in GiB.
    Disk,
}

impl Resource {
    /// All three.
    pub const ALL: [Resource; 3] = [Resource::Cpus, Resource::Memory, Resource::Disk];

    /// Its name in a request.
    pub const fn name(self) -> &'static str {
        match self {
            Resource::Cpus => "cpus",
            Resource::Memory => "memory_mib",
            Resource::Disk => "disk_size_gb",
        }
    }
}

impl fmt::Display for Resource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A share of the machine: of each resource at least 1, in a box.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Resources {
    /// Processors.
    pub cpus: u64,
    /// Memory, in MiB.
    pub memory_mib: u64,
    /// Disk, in GiB.
    pub disk_gib: u64,
}

impl Resources {
    /// From the numbers of a request, which may be any.
    ///
    /// # Errors
    ///
    /// [`Refusal::NotPositive`] names the first that is zero or negative. Nothing is clamped.
    pub fn requested(cpus: i64, memory_mib: i64, disk_gib: i64) -> Result<Resources, Refusal> {
        let positive = |resource, number: i64| match u64::try_from(number) {
            Ok(0) | Err(_) => Err(Refusal::NotPositive(resource)),
            Ok(number) => Ok(number),
        };
        Ok(Resources {
            cpus: positive(Resource::Cpus, cpus)?,
            memory_mib: positive(Resource::Memory, memory_mib)?,
            disk_gib: positive(Resource::Disk, disk_gib)?,
        })
    }

    /// How much of one of them.
    pub const fn of(self, resource: Resource) -> u64 {
        match resource {
            Resource::Cpus => self.cpus,
            Resource::Memory => self.memory_mib,
            Resource::Disk => self.disk_gib,
        }
    }

    /// Both together. Far above what any machine has, it stays there.
    #[must_use]
    pub const fn plus(self, other: Resources) -> Resources {
        Resources {
            cpus: self.cpus.saturating_add(other.cpus),
            memory_mib: self.memory_mib.saturating_add(other.memory_mib),
            disk_gib: self.disk_gib.saturating_add(other.disk_gib),
        }
    }
}

/// How much there is to give.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Limits {
    /// To one box.
    pub per_box: Resources,
    /// To all boxes together.
    pub total: Resources,
    /// Executions that may live in one box at once.
    pub executions_max: u32,
}

impl Limits {
    /// Whether `asked` may be given beside what is `used`.
    ///
    /// # Errors
    ///
    /// A [`Refusal`] that names the first resource of which there is not enough, and how much.
    pub fn check(&self, asked: Resources, used: Resources) -> Result<(), Refusal> {
        for resource in Resource::ALL {
            let (asked, used) = (asked.of(resource), used.of(resource));
            let (max, total) = (self.per_box.of(resource), self.total.of(resource));
            if asked == 0 {
                return Err(Refusal::NotPositive(resource));
            }
            if asked > max {
                return Err(Refusal::OverLimit { resource, asked, max });
            }
            let free = total.saturating_sub(used);
            if asked > free {
                return Err(Refusal::OverTotal { resource, asked, free });
            }
        }
        Ok(())
    }
}
