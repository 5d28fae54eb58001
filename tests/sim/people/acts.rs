//! What people and their tools do, and how often.

use fastrand::Rng;

/// One kind of act.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Act {
    // With OrgConnections.
    Create,
    Retype,
    Delete,
    DeleteAndCreate,
    Rename,
    RenameBackwards,
    Replace,
    WipeStatus,
    SwitchDeletion,
    SwitchManagement,
    SwitchAdoption,
    SwitchReport,
    SwitchSuspend,
    StripLabel,
    StripClaim,
    StripFinalizer,
    Request,
    Misspell,
    AddCondition,
    // With DatadogOrgs and their keys.
    DeleteOrg,
    ChangeInterval,
    SuspendOrg,
    ResumeOrg,
    RequestOrg,
    ChangeLimit,
    Approve,
    Rotate,
    RotateAndRevoke,
    Revoke,
    Restore,
    TakePermission,
    GivePermissions,
    ReplaceUser,
    LoseSecret,
    SpoilSecret,
    SwapSecret,
    MendSecret,
    UseUpBudget,
    // With all of it.
    DeleteFolder,
    Compact,
    // At Datadog, behind our back.
    CreateThere,
    ChangeThere,
    DeleteThere,
    QuarrelThere,
    RenameOrganization,
    SwapNames,
}

impl Act {
    /// Each with its share of all acts.
    const ALL: [(Self, usize); 46] = {
        use Act::*;
        [
            (Create, 10),
            (Retype, 4),
            (Delete, 4),
            (DeleteAndCreate, 2),
            (Rename, 3),
            (RenameBackwards, 1),
            (Replace, 1),
            (WipeStatus, 1),
            (SwitchDeletion, 1),
            (SwitchManagement, 2),
            (SwitchAdoption, 2),
            (SwitchReport, 1),
            (SwitchSuspend, 2),
            (StripLabel, 1),
            (StripClaim, 1),
            (StripFinalizer, 1),
            (Request, 1),
            (Misspell, 1),
            (AddCondition, 1),
            (DeleteOrg, 1),
            (ChangeInterval, 1),
            (SuspendOrg, 1),
            (ResumeOrg, 2),
            (RequestOrg, 1),
            (ChangeLimit, 2),
            (Approve, 1),
            (Rotate, 1),
            (RotateAndRevoke, 1),
            (Revoke, 1),
            (Restore, 2),
            (TakePermission, 1),
            (GivePermissions, 2),
            (ReplaceUser, 1),
            (LoseSecret, 1),
            (SpoilSecret, 1),
            (SwapSecret, 1),
            (MendSecret, 2),
            (UseUpBudget, 1),
            (DeleteFolder, 1),
            (Compact, 1),
            (CreateThere, 3),
            (ChangeThere, 1),
            (DeleteThere, 1),
            (QuarrelThere, 1),
            (RenameOrganization, 1),
            (SwapNames, 1),
        ]
    };

    /// Any of them, by their shares.
    pub(super) fn any(chance: &mut Rng) -> Self {
        let shares: usize = Self::ALL.iter().map(|(_, share)| share).sum();
        let mut left = chance.usize(..shares);
        for (act, share) in Self::ALL {
            match left.checked_sub(share) {
                Some(rest) => left = rest,
                None => return act,
            }
        }
        Self::Create
    }

    /// What the people of one seed never do: each act in one seed of five.
    pub(super) fn avoided(chance: &mut Rng) -> Vec<Self> {
        Self::ALL.into_iter().map(|(act, _)| act).filter(|act| *act != Self::Create && chance.u8(..5) == 0).collect()
    }

    /// Whether it is about one DatadogOrg or its key.
    pub(super) fn is_about_an_org(self) -> bool {
        (Self::DeleteOrg..=Self::UseUpBudget).contains(&self)
    }

    /// Whether it is done at Datadog.
    pub(super) fn is_behind_our_back(self) -> bool {
        self >= Self::CreateThere
    }
}
