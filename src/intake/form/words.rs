//! What the form says, in four languages. Pure. `{}` is filled in by the page.

use crate::domain::language::Language;

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
    /// Part of an address; the whole one.
    pub no_at: &'static str,
    /// Button.
    pub show: &'static str,
    /// Button.
    pub hide: &'static str,
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
    /// How to sign in with a provider.
    pub sign_in: &'static str,
    /// Button.
    pub begin: &'static str,
    /// Before the provider's page.
    pub open_page: &'static str,
    /// What leads there.
    pub at_provider: &'static str,
    /// Back from there.
    pub came_back: &'static str,
    /// Before the code.
    pub enter_code: &'static str,
    /// Button.
    pub signed_in: &'static str,
    /// A sign-in is done.
    pub done: &'static str,
    /// A sign-in has failed.
    pub not_signed_in: &'static str,
    /// A sign-in is missing.
    pub sign_in_first: &'static str,
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
    no_at: "Is this the whole user name? Here it is most often {}. Send it again if it is meant so.",
    show: "Show the password",
    hide: "Hide the password",
    unfit: "This cannot be a user name and password. Please type them again.",
    stale: "This page was open for a long time. Nothing was checked. Please enter it once more.",
    right_at: "Thank you, it works. Your mailbox is copied from {}; keep working as usual.",
    right: "Thank you, it works. Your mailbox is copied soon; keep working as usual.",
    wrong: "{} did not accept this. Nothing was stored. {} has been told and can send you a new link.",
    not_checked: "We could not reach the mail server. Your entry was not checked and this link still works; please try again in 15 minutes.",
    gone: "This link is not active. Ask the person who sent it.",
    too_often: "There were too many requests. Please try again in a few minutes.",
    unfit_request: "This could not be understood. Please open the link from the mail again.",
    sign_in: "This mailbox takes no passwords from us. You sign in with its provider, at a page of theirs.",
    begin: "Sign in",
    open_page: "Open this page:",
    at_provider: "Sign in to {}",
    came_back: "You can close this page now. Go back to the page with the form, and choose “I have signed in”.",
    enter_code: "There, enter this code:",
    signed_in: "I have signed in",
    done: "You have signed in here.",
    not_signed_in: "Nobody has signed in. Please begin again.",
    sign_in_first: "Please sign in first where that is needed.",
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
    no_at: "Ist das der ganze Benutzername? Hier ist es meistens {}. Senden Sie ihn noch einmal, wenn er so gemeint ist.",
    show: "Passwort anzeigen",
    hide: "Passwort verbergen",
    unfit: "Das kann kein Benutzername mit Passwort sein. Bitte geben Sie beides noch einmal ein.",
    stale: "Diese Seite war lange offen. Es wurde nichts geprüft. Bitte geben Sie alles noch einmal ein.",
    right_at: "Danke, es funktioniert. Ihr Postfach wird ab {} kopiert; arbeiten Sie weiter wie gewohnt.",
    right: "Danke, es funktioniert. Ihr Postfach wird bald kopiert; arbeiten Sie weiter wie gewohnt.",
    wrong: "{} hat dies nicht angenommen. Es wurde nichts gespeichert. {} weiß davon und kann Ihnen einen neuen Link schicken.",
    not_checked: "Wir konnten den Mailserver nicht erreichen. Ihre Eingabe wurde nicht geprüft, und dieser Link gilt weiter; bitte versuchen Sie es in 15 Minuten noch einmal.",
    gone: "Dieser Link ist nicht aktiv. Fragen Sie die Person, die ihn geschickt hat.",
    too_often: "Das waren zu viele Anfragen. Bitte versuchen Sie es in einigen Minuten noch einmal.",
    unfit_request: "Das war nicht zu verstehen. Bitte öffnen Sie den Link aus der Nachricht noch einmal.",
    sign_in: "Dieses Postfach nimmt von uns keine Passwörter. Sie melden sich bei seinem Anbieter an, auf dessen eigener Seite.",
    begin: "Anmelden",
    open_page: "Öffnen Sie diese Seite:",
    at_provider: "Anmelden bei {}",
    came_back: "Sie können diese Seite jetzt schließen. Gehen Sie zur Seite mit dem Formular zurück und wählen Sie „Ich habe mich angemeldet“.",
    enter_code: "Geben Sie dort diesen Code ein:",
    signed_in: "Ich habe mich angemeldet",
    done: "Sie haben sich hier angemeldet.",
    not_signed_in: "Es hat sich niemand angemeldet. Bitte beginnen Sie noch einmal.",
    sign_in_first: "Bitte melden Sie sich zuerst dort an, wo es nötig ist.",
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
    no_at: "Est-ce le nom d'utilisateur complet ? Ici, c'est le plus souvent {}. Envoyez-le à nouveau s'il est correct.",
    show: "Afficher le mot de passe",
    hide: "Masquer le mot de passe",
    unfit: "Cela ne peut pas être un nom d'utilisateur et un mot de passe. Veuillez les saisir à nouveau.",
    stale: "Cette page est restée ouverte longtemps. Rien n'a été vérifié. Veuillez saisir à nouveau.",
    right_at: "Merci, cela fonctionne. Votre boîte est copiée à partir de {} ; continuez à travailler comme d'habitude.",
    right: "Merci, cela fonctionne. Votre boîte sera bientôt copiée ; continuez à travailler comme d'habitude.",
    wrong: "{} n'a pas accepté cette saisie. Rien n'a été enregistré. {} en est informé et peut vous envoyer un nouveau lien.",
    not_checked: "Nous n'avons pas pu joindre le serveur de messagerie. Votre saisie n'a pas été vérifiée et ce lien reste valable ; veuillez réessayer dans 15 minutes.",
    gone: "Ce lien n'est pas actif. Demandez à la personne qui l'a envoyé.",
    too_often: "Il y a eu trop de demandes. Veuillez réessayer dans quelques minutes.",
    unfit_request: "Cette demande n'a pas été comprise. Veuillez rouvrir le lien du message.",
    sign_in: "Cette boîte n'accepte pas de mot de passe de notre part. Vous vous connectez chez son fournisseur, sur sa propre page.",
    begin: "Se connecter",
    open_page: "Ouvrez cette page :",
    at_provider: "Se connecter à {}",
    came_back: "Vous pouvez fermer cette page. Revenez à la page du formulaire et choisissez « Je me suis connecté ».",
    enter_code: "Saisissez-y ce code :",
    signed_in: "Je me suis connecté",
    done: "Vous vous êtes connecté ici.",
    not_signed_in: "Personne ne s'est connecté. Veuillez recommencer.",
    sign_in_first: "Veuillez d'abord vous connecter là où c'est nécessaire.",
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
    no_at: "¿Es el nombre de usuario completo? Aquí suele ser {}. Envíelo de nuevo si es correcto.",
    show: "Mostrar la contraseña",
    hide: "Ocultar la contraseña",
    unfit: "Esto no puede ser un nombre de usuario con contraseña. Escríbalos de nuevo.",
    stale: "Esta página estuvo abierta mucho tiempo. No se comprobó nada. Introdúzcalo de nuevo.",
    right_at: "Gracias, funciona. Su buzón se copia a partir de {}; siga trabajando como siempre.",
    right: "Gracias, funciona. Su buzón se copiará pronto; siga trabajando como siempre.",
    wrong: "{} no lo aceptó. No se guardó nada. {} está al tanto y puede enviarle un enlace nuevo.",
    not_checked: "No pudimos conectar con el servidor de correo. No se comprobó lo que introdujo y este enlace sigue valiendo; inténtelo de nuevo en 15 minutos.",
    gone: "Este enlace no está activo. Pregunte a la persona que lo envió.",
    too_often: "Hubo demasiadas solicitudes. Inténtelo de nuevo en unos minutos.",
    unfit_request: "No se pudo entender. Abra de nuevo el enlace del mensaje.",
    sign_in: "Este buzón no acepta contraseñas de nosotros. Usted accede con su proveedor, en una página suya.",
    begin: "Acceder",
    open_page: "Abra esta página:",
    at_provider: "Acceder a {}",
    came_back: "Ya puede cerrar esta página. Vuelva a la página del formulario y elija «Ya he accedido».",
    enter_code: "Introduzca allí este código:",
    signed_in: "Ya he accedido",
    done: "Ha accedido aquí.",
    not_signed_in: "Nadie ha accedido. Empiece de nuevo.",
    sign_in_first: "Acceda primero donde sea necesario.",
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_language_has_the_same_places() {
        for language in Language::ALL {
            let w = of(language);
            let places = [w.heading, w.project, w.source, w.destination, w.kept, w.right_at, w.wrong, w.no_at];
            assert_eq!(places.map(|text| text.matches("{}").count()), [1, 2, 1, 1, 1, 1, 2, 1], "{language:?}");
        }
        assert_eq!(filled("{} and {}", &["{}", "b"]), "{} and b");
    }
}
