//! The twelve practices that findings and suggestions serve.

macro_rules! practices {
    ($($name:ident, $number:literal, $title:literal;)*) => {
        /// One of the twelve practices.
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
        #[expect(missing_docs, reason = "`title` says what each is")]
        pub enum Practice { $($name),* }

        impl Practice {
            /// All of them, in their order.
            pub const ALL: [Practice; 12] = [$(Practice::$name),*];

            /// From 1 to 12.
            pub fn number(self) -> u8 {
                match self { $(Practice::$name => $number),* }
            }

            /// In words.
            pub fn title(self) -> &'static str {
                match self { $(Practice::$name => $title),* }
            }
        }
    };
}

practices!(
    ReviewRoles, 1, "review existing roles";
    UnnecessaryPermissions, 2, "remove unnecessary permissions";
    LeastPrivilege, 3, "grant least privilege";
    SpecificRoles, 4, "use specific roles for specific tasks";
    RemoveUnused, 5, "audit regularly, remove what is unused";
    Hierarchy, 6, "keep the hierarchy of roles in sight";
    ManagedPolicies, 7, "choose managed policies with care";
    ServiceAccounts, 8, "give service accounts roles of their own";
    SessionPolicies, 9, "narrow sessions by session policies";
    RotateCredentials, 10, "rotate credentials, prefer temporary ones";
    Logging, 11, "log and monitor";
    Educate, 12, "educate who owns the roles";
);
