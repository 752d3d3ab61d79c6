//! What the sample mailboxes are made of.

/// Mailboxes: local part and full name.
pub const PEOPLE: [(&str, &str); 12] = [
    ("anna.berger", "Anna Berger"),
    ("ben.okafor", "Ben Okafor"),
    ("carla.rossi", "Carla Rossi"),
    ("david.lindqvist", "David Lindqvist"),
    ("emiko.tanaka", "Emiko Tanaka"),
    ("farid.haddad", "Farid Haddad"),
    ("grace.nguyen", "Grace Nguyen"),
    ("hugo.martins", "Hugo Martins"),
    ("ines.keller", "Inés Keller"),
    ("info", "Contoso Information"),
    ("jakub.nowak", "Jakub Nowak"),
    ("sales", "Contoso Sales"),
];

/// People outside.
pub const OTHERS: [(&str, &str); 10] = [
    ("orders@northwind.example", "Northwind Orders"),
    ("m.schroeder@adatum.example", "Martina Schröder"),
    ("noreply@travel.example", "City Travel"),
    ("lucia@fourthcoffee.example", "Lucía Fernández"),
    ("support@tailspin.example", "Tailspin Support"),
    ("billing@hosting.example", "Hosting Billing"),
    ("o.brandt@litware.example", "Oskar Brandt"),
    ("news@industry.example", "Industry Weekly"),
    ("p.dubois@proseware.example", "Pauline Dubois"),
    ("yuki@wingtip.example", "Yuki Mori"),
];

/// Subjects; `#` becomes a number.
pub const SUBJECTS: [&str; 24] = [
    "Minutes of our meeting",
    "Offer # for the new warehouse",
    "Re: Offer # for the new warehouse",
    "Your invoice # is ready",
    "Lunch on Thursday?",
    "Re: Lunch on Thursday?",
    "Travel plan, confirmation #",
    "Draft of the contract, version #",
    "Fwd: Draft of the contract, version #",
    "Server maintenance on Sunday night",
    "Questions about order #",
    "Re: Questions about order #",
    "Holiday list",
    "Welcome to the team!",
    "Photos from the summer party",
    "Quarterly figures",
    "Re: Quarterly figures",
    "Rückfrage zur Lieferung #",
    "Änderung der Öffnungszeiten",
    "Réunion de lundi",
    "会議の資料",
    "Ticket #: printer on the second floor",
    "Reminder: time sheets",
    "Thank you",
];

/// Sentences of bodies.
pub const SENTENCES: [&str; 20] = [
    "Thank you for the quick answer.",
    "I have attached the figures we talked about.",
    "Could you have a look before Friday?",
    "The delivery left our warehouse this morning.",
    "Please let me know whether the date still suits you.",
    "We would like to move the appointment to next week.",
    "The customer has accepted the offer, so we can begin.",
    "There is one open question about the second paragraph.",
    "I will be out of the office until Monday.",
    "Our new address is on the last page.",
    "The old system will be switched off at the end of the month.",
    "Nobody needs to do anything for now.",
    "Two people have not answered yet.",
    "I am looking forward to seeing you there.",
    "The rooms are booked, and the train tickets too.",
    "Let us talk about it on the phone.",
    "Mit freundlichen Grüßen aus München.",
    "Merci beaucoup et à bientôt.",
    "よろしくお願いいたします。",
    "All the best!",
];

/// Folders: components, and how many of a hundred messages lie there.
pub const FOLDERS: [(&[&str], u32); 14] = [
    (&["INBOX"], 30),
    (&["Sent"], 18),
    (&["Drafts"], 1),
    (&["Archive", "2022"], 8),
    (&["Archive", "2023"], 10),
    (&["Old Projects"], 2),
    (&["Old Projects", "Warehouse"], 6),
    (&["Old Projects", "Warehouse", "Offers v1.2"], 3),
    (&["Customers", "Adatum"], 5),
    (&["Customers", "Northwind"], 5),
    (&["Entwürfe für später"], 3),
    (&["会議", "資料"], 3),
    (&["Reisen & Événements"], 4),
    (&["Junk"], 2),
];
