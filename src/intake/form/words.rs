//! What the form says, in four languages. Pure. `{}` is filled in by the page.

use crate::intake::language::Language;

/// The texts of one language.
pub struct Words {
    /// Heading; the mailbox.
    pub heading: &'static str,
    /// Whose project; project, consultant.
    pub project: &'static str,
    /// What to enter.
    pub intro: &'static str,
    /// About app passwords.
    pub app_password: &'static str,
    /// That it can be sent once.
    pub once: &'static str,
    /// Legend of the old mailbox; its server.
    pub source: &'static str,
    /// Legend of the new mailbox; its server.
    pub destination: &'static str,
    /// Label.
    pub user: &'static str,
    /// Label.
    pub password: &'static str,
    /// Button.
    pub send: &'static str,
    /// What becomes of the password; the consultant.
    pub kept: &'static str,
    /// A field is empty.
    pub empty: &'static str,
    /// A password with blanks.
    pub blanks: &'static str,
    /// No user name or password.
    pub unfit: &'static str,
    /// The page is too old.
    pub stale: &'static str,
    /// Right; when it starts.
    pub right_at: &'static str,
    /// Right; it starts soon.
    pub right: &'static str,
    /// Wrong; the server, the consultant.
    pub wrong: &'static str,
    /// Not checked.
    pub not_checked: &'static str,
    /// No such link.
    pub gone: &'static str,
    /// Too often.
    pub too_often: &'static str,
    /// Not understood.
    pub unfit_request: &'static str,
}

/// Of a language.
pub fn of(language: Language) -> &'static Words {
    match language {
        Language::English => &ENGLISH,
        Language::German => &GERMAN,
        Language::French => &FRENCH,
        Language::Spanish => &SPANISH,
    }
}

/// Puts values into a text, one after the other. What they contain is not looked into.
pub fn filled(text: &str, values: &[&str]) -> String {
    let mut parts = text.split("{}");
    let mut filled = parts.next().unwrap_or_default().to_owned();
    for (part, value) in parts.zip(values.iter().copied().chain(std::iter::repeat(""))) {
        filled += value;
        filled += part;
    }
    filled
}

const ENGLISH: Words = Words {
    heading: "Sign-in for moving {}",
    project: "Project “{}” of {}",
    intro: "Enter the user name and password that you use for mail today.",
    app_password: "If you approve sign-ins on your phone, you need an app password.",
    once: "You can send this once.",
    source: "Your mailbox today: {}",
    destination: "Your new mailbox: {}",
    user: "User name",
    password: "Password",
    send: "Check and start",
    kept: "Your password is kept encrypted on the computer of {} until the project is closed.",
    empty: "Please fill in this field.",
    blanks: "The password begins or ends with a blank. Please type it again.",
    unfit: "This cannot be a user name and password. Please type them again.",
    stale: "This page was open for a long time. Nothing was checked. Please enter it once more.",
    right_at: "Thank you, it works. Your mailbox is copied from {}; keep working as usual.",
    right: "Thank you, it works. Your mailbox is copied soon; keep working as usual.",
    wrong: "{} did not accept this. Nothing was stored. {} has been told and can send you a new link.",
    not_checked: "We could not reach the mail server. Your entry was not checked and this link still works; please try again in 15 minutes.",
    gone: "This link is not active. Ask the person who sent it.",
    too_often: "There were too many requests. Please try again in a few minutes.",
    unfit_request: "This could not be understood. Please open the link from the mail again.",
};

const GERMAN: Words = Words {
    heading: "Anmeldung für den Umzug von {}",
    project: "Projekt „{}“ von {}",
    intro: "Geben Sie den Benutzernamen und das Passwort ein, die Sie heute für Ihre E-Mail benutzen.",
    app_password: "Wenn Sie Anmeldungen am Telefon bestätigen, brauchen Sie ein App-Passwort.",
    once: "Sie können dies einmal absenden.",
    source: "Ihr heutiges Postfach: {}",
    destination: "Ihr neues Postfach: {}",
    user: "Benutzername",
    password: "Passwort",
    send: "Prüfen und starten",
    kept: "Ihr Passwort liegt verschlüsselt auf dem Computer von {}, bis das Projekt abgeschlossen ist.",
    empty: "Bitte füllen Sie dieses Feld aus.",
    blanks: "Das Passwort beginnt oder endet mit einem Leerzeichen. Bitte geben Sie es noch einmal ein.",
    unfit: "Das kann kein Benutzername mit Passwort sein. Bitte geben Sie beides noch einmal ein.",
    stale: "Diese Seite war lange offen. Es wurde nichts geprüft. Bitte geben Sie alles noch einmal ein.",
    right_at: "Danke, es funktioniert. Ihr Postfach wird ab {} kopiert; arbeiten Sie weiter wie gewohnt.",
    right: "Danke, es funktioniert. Ihr Postfach wird bald kopiert; arbeiten Sie weiter wie gewohnt.",
    wrong: "{} hat dies nicht angenommen. Es wurde nichts gespeichert. {} weiß davon und kann Ihnen einen neuen Link schicken.",
    not_checked: "Wir konnten den Mailserver nicht erreichen. Ihre Eingabe wurde nicht geprüft, und dieser Link gilt weiter; bitte versuchen Sie es in 15 Minuten noch einmal.",
    gone: "Dieser Link ist nicht aktiv. Fragen Sie die Person, die ihn geschickt hat.",
    too_often: "Das waren zu viele Anfragen. Bitte versuchen Sie es in einigen Minuten noch einmal.",
    unfit_request: "Das war nicht zu verstehen. Bitte öffnen Sie den Link aus der Nachricht noch einmal.",
};

const FRENCH: Words = Words {
    heading: "Connexion pour le transfert de {}",
    project: "Projet « {} » de {}",
    intro: "Saisissez le nom d'utilisateur et le mot de passe que vous utilisez aujourd'hui pour votre messagerie.",
    app_password: "Si vous confirmez vos connexions sur votre téléphone, il vous faut un mot de passe d'application.",
    once: "Vous ne pouvez envoyer ce formulaire qu'une fois.",
    source: "Votre boîte actuelle : {}",
    destination: "Votre nouvelle boîte : {}",
    user: "Nom d'utilisateur",
    password: "Mot de passe",
    send: "Vérifier et démarrer",
    kept: "Votre mot de passe est conservé chiffré sur l'ordinateur de {} jusqu'à la clôture du projet.",
    empty: "Veuillez remplir ce champ.",
    blanks: "Le mot de passe commence ou finit par une espace. Veuillez le saisir à nouveau.",
    unfit: "Cela ne peut pas être un nom d'utilisateur et un mot de passe. Veuillez les saisir à nouveau.",
    stale: "Cette page est restée ouverte longtemps. Rien n'a été vérifié. Veuillez saisir à nouveau.",
    right_at: "Merci, cela fonctionne. Votre boîte est copiée à partir de {} ; continuez à travailler comme d'habitude.",
    right: "Merci, cela fonctionne. Votre boîte sera bientôt copiée ; continuez à travailler comme d'habitude.",
    wrong: "{} n'a pas accepté cette saisie. Rien n'a été enregistré. {} en est informé et peut vous envoyer un nouveau lien.",
    not_checked: "Nous n'avons pas pu joindre le serveur de messagerie. Votre saisie n'a pas été vérifiée et ce lien reste valable ; veuillez réessayer dans 15 minutes.",
    gone: "Ce lien n'est pas actif. Demandez à la personne qui l'a envoyé.",
    too_often: "Il y a eu trop de demandes. Veuillez réessayer dans quelques minutes.",
    unfit_request: "Cette demande n'a pas été comprise. Veuillez rouvrir le lien du message.",
};

const SPANISH: Words = Words {
    heading: "Acceso para trasladar {}",
    project: "Proyecto «{}» de {}",
    intro: "Introduzca el nombre de usuario y la contraseña que usa hoy para su correo.",
    app_password: "Si confirma los accesos en su teléfono, necesita una contraseña de aplicación.",
    once: "Puede enviarlo una sola vez.",
    source: "Su buzón actual: {}",
    destination: "Su buzón nuevo: {}",
    user: "Nombre de usuario",
    password: "Contraseña",
    send: "Comprobar y empezar",
    kept: "Su contraseña se guarda cifrada en el ordenador de {} hasta que se cierre el proyecto.",
    empty: "Rellene este campo.",
    blanks: "La contraseña empieza o termina con un espacio. Escríbala de nuevo.",
    unfit: "Esto no puede ser un nombre de usuario con contraseña. Escríbalos de nuevo.",
    stale: "Esta página estuvo abierta mucho tiempo. No se comprobó nada. Introdúzcalo de nuevo.",
    right_at: "Gracias, funciona. Su buzón se copia a partir de {}; siga trabajando como siempre.",
    right: "Gracias, funciona. Su buzón se copiará pronto; siga trabajando como siempre.",
    wrong: "{} no lo aceptó. No se guardó nada. {} está al tanto y puede enviarle un enlace nuevo.",
    not_checked: "No pudimos conectar con el servidor de correo. No se comprobó lo que introdujo y este enlace sigue valiendo; inténtelo de nuevo en 15 minutos.",
    gone: "Este enlace no está activo. Pregunte a la persona que lo envió.",
    too_often: "Hubo demasiadas solicitudes. Inténtelo de nuevo en unos minutos.",
    unfit_request: "No se pudo entender. Abra de nuevo el enlace del mensaje.",
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_language_has_the_same_places() {
        for language in Language::ALL {
            let w = of(language);
            let places = [w.heading, w.project, w.source, w.destination, w.kept, w.right_at, w.wrong];
            assert_eq!(places.map(|text| text.matches("{}").count()), [1, 2, 1, 1, 1, 1, 2], "{language:?}");
        }
        assert_eq!(filled("{} and {}", &["{}", "b"]), "{} and b");
    }
}
