//! Credentials in code, configuration and prose, and what only looks like one.

use super::*;

fn found(text: &str) -> Vec<(String, &'static str)> {
    let mut all = Vec::new();
    Secrets::new().unwrap().scan(0, text, &mut |m| {
        assert!(ENTITY_TYPES.contains(&m.entity_type), "{}", m.entity_type);
        if m.score >= 0.5 {
            all.push((text.get(m.range).unwrap().to_owned(), m.entity_type));
        }
    });
    all
}

fn values(text: &str) -> Vec<String> {
    found(text).into_iter().map(|f| f.0).collect()
}

/// Checks every row and tells all that are wrong.
fn check<'a>(rows: impl IntoIterator<Item = (&'a str, Vec<&'a str>)>) {
    let wrong: Vec<_> = rows
        .into_iter()
        .filter(|(text, expected)| values(text) != *expected)
        .map(|(text, _)| (text, found(text)))
        .collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn assignments() {
    let rows = [
        ("password = \"c8Lw*KhdURqg8zX\"", "c8Lw*KhdURqg8zX"),
        ("DB_PASSWORD=correct7horse", "correct7horse"),
        ("spring.datasource.password: Mo7!vanilla-Hinge", "Mo7!vanilla-Hinge"),
        ("{\"clientSecret\": \"9f86d081884c7d659a2feaa0c55ad015\"}", "9f86d081884c7d659a2feaa0c55ad015"),
        ("$CFG->dbpass    = 'kQ8#vaalserberg-19';", "kQ8#vaalserberg-19"),
        ("define('DB_PASSWORD', 'wNq7uiZRB82#5%H%');", "wNq7uiZRB82#5%H%"),
        ("CREATE USER app IDENTIFIED BY 'Fluss-Pferd77'", "Fluss-Pferd77"),
        ("connect --user joe --password Winter#2031 --host db", "Winter#2031"),
        ("<property name=\"password\" value=\"Gr1zzly&Bear\"/>", "Gr1zzly&Bear"),
        ("AUTO_SESSION_PASSWORD=sunflower", "sunflower"),
        ("variable \"api_token\" {\n  default = \"w2JHbwjMnrjLCw8PquWj\"\n}", "w2JHbwjMnrjLCw8PquWj"),
        ("if user == \"Adm1nMan99\" and password == \"Vel7vet@@\":", "Vel7vet@@"),
        ("user = meadow\npassword = lantern_walk", "lantern_walk"),
        ("export API_TOKEN='w2JHbwjMnrjLCw8PquWjwfCzYuf7gregJQlKrXrh'", "w2JHbwjMnrjLCw8PquWjwfCzYuf7gregJQlKrXrh"),
    ];
    check(rows.map(|(text, value)| (text, vec![value])));
}

#[test]
fn code_that_gives_no_secret() {
    let rows = [
        "let password = get_password(&config)?;",
        "password: String,",
        "password = os.environ['DB_PASSWORD']",
        "const token = await getToken();",
        "self.token = token",
        "API_KEY=<your-api-key>",
        "api_key: ${API_KEY}",
        "export PGPASSWORD=\"$gdc_db_password\"",
        "password = \"changeme\"",
        "\"password\": \"\"",
        "\"passwordLabel\": \"Password\"",
        "{\"grant_type\": \"password\", \"token_type\": \"bearer\"}",
        "if password == None:",
        "access_key = \"AKIAIOSFODNN7EXAMPLE\"",
        "aws_secret_access_key = wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
        "password must be at least 8 characters",
        "let key = map.keys().next();",
        "secretName: my-app-tls",
        "token = tokenizer.encode(text)",
        "password varchar(255) NOT NULL",
        "integrity sha512-9f86d081884c7d659a2feaa0c55ad0159f86d081884c7d659a2feaa0c55ad015==",
        "max_tokens: 4096",
        "password_hash = bcrypt(password)",
        "PASSWORD_RESET_URL = \"/accounts/reset/\"",
        "echo 'password = '.$p['config']['pw'].\"\\n\";",
        "put '/forgot-password' => \"cms/passwords#update\"",
        "function fetch($user,$password=\"\",$timeout=\"0\",$verbose=false)",
        "export DB_PASSWORD=\"'$OTHER_PASSWORD'\"",
        "it('shows the password', () => { expect(password).toBe(undefined) })",
    ];
    check(rows.map(|text| (text, vec![])));
}

#[test]
fn passwords_in_sentences() {
    let rows = [
        ("the password is hunter2!", "hunter2!"),
        ("The password is 'Secret123'", "Secret123"),
        ("das root-Passwort vom alten NAS ist immer noch Elbfaehre#1974, bitte", "Elbfaehre#1974"),
        ("Das Passwort lautet Blau7see", "Blau7see"),
        ("Usuario guardia, contraseña Almendra_39!Tejo. El segundo", "Almendra_39!Tejo"),
        ("compte astreinte2, mot de passe Quiche!Lorraine57", "Quiche!Lorraine57"),
        ("hasło to Grzyb0branie-w", "Grzyb0branie-w"),
        ("het wachtwoord is Tulp3nveld", "Tulp3nveld"),
        ("lösenordet är inte klart men lösenord: Fjäll#2029x", "Fjäll#2029x"),
        ("a senha é Cafe!com3leite", "Cafe!com3leite"),
        ("adgangskoden er Boeg#5521x", "Boeg#5521x"),
        ("passordet er Gran!3317", "Gran!3317"),
        ("salasanani on Kuusi!4417", "Kuusi!4417"),
        ("heslem je Lipa#2031x", "Lipa#2031x"),
        ("parola este Stejar!1974", "Stejar!1974"),
        ("PAROLĂ: Stejar!1974", "Stejar!1974"),
        ("wifi şifresi: Cinar#8812x", "Cinar#8812x"),
        ("utente collaudo pwd Fico.dIndia.2207 porta 3306", "Fico.dIndia.2207"),
        ("guest wifi at the office changed again, its Tr4mline!Otter88 now", "Tr4mline!Otter88"),
        ("lösenfrasen till valvet är åtta gröna båtar under Sandhamn. Starta om", "åtta gröna båtar under Sandhamn"),
        ("log in as webadmin / Heron-Gate!1911 and clear the cache", "Heron-Gate!1911"),
    ];
    check(rows.map(|(text, value)| (text, vec![value])));
}

#[test]
fn sentences_that_give_no_password() {
    let rows = [
        "the password is required",
        "password is not set",
        "Your password must contain 8 characters, e.g. letters",
        "Is a password of 12 characters safe?",
        "I forgot my password and the reset mail does not arrive",
        "passwords are hashed with SHA-256",
        "We discussed the password manager on 2024-05-01.",
        "login with OAuth2 at https://login.example.com/a?b=C1",
        "wifi drops on Windows11 after update KB5034441",
        "What is a good password policy?",
    ];
    check(rows.map(|text| (text, vec![])));
}

#[test]
fn codes_in_sentences() {
    for (text, value, entity) in [
        ("the pin is 4821", "4821", "ACCESS_CODE"),
        ("NOTE: whatsapp, gate code 5521", "5521", "ACCESS_CODE"),
        ("your OTP 482913 expires in 10 minutes", "482913", "ONE_TIME_CODE"),
        ("933018 is your code, never share it", "933018", "ONE_TIME_CODE"),
        ("Ihr Bestätigungscode: 771 204", "771 204", "ONE_TIME_CODE"),
        ("PIN till telefonen är 5093", "5093", "ACCESS_CODE"),
        ("4111 1111 1111 1111, cvv 731", "731", "CVV"),
        ("badge du local technique : code 2846B au clavier", "2846B", "ACCESS_CODE"),
        ("triage tablets — pin 2970 / wifi open", "2970", "ACCESS_CODE"),
    ] {
        assert_eq!(found(text), [(value.to_owned(), entity)], "{text}");
    }
    assert_eq!(
        values("backup codes, which first? gglr7-b9mvl zdif3-8d3at wc7jy-i5ug1"),
        ["gglr7-b9mvl", "zdif3-8d3at", "wc7jy-i5ug1"]
    );
}

#[test]
fn numbers_that_are_no_codes() {
    let rows = [
        "error code 40412",
        "pin 13 of the board",
        "zip code 90210",
        "the verification code has 6 digits",
        "OTP is valid for 10 minutes",
        "pinned 4821 posts",
        "spin 4000 rpm",
    ];
    check(rows.map(|text| (text, vec![])));
}

#[test]
fn random_tokens_need_a_word_near() {
    let token = "w2JHbwjMnrjLCw8PquWjwfCzYuf7gregJQlKrXrh";
    assert_eq!(values(&format!("here is the api key we use, {token} ok")), [token]);
    assert_eq!(values(&format!("the build produced {token}")), Vec::<String>::new());
    assert_eq!(values("the token of commit 9f86d081884c7d659a2feaa0c55ad0159f86d081"), Vec::<String>::new());
}

#[test]
fn work_is_linear_on_hostile_text() {
    let secrets = Secrets::new().unwrap();
    let read = |text: &str| {
        work::taken();
        secrets.scan(0, text, &mut |_| {});
        work::taken()
    };
    let pieces =
        ["password=\"", "pin ", "token ", "a", "key: ", "zoo ", "password=x \t", "recovery codes ", "apikey=-", " "];
    for piece in pieces {
        let (short, long) = (piece.repeat(1 << 12), piece.repeat(1 << 14));
        let (once, four) = (read(&short), read(&long));
        assert!(once >= short.len(), "{piece:?}: the work is counted");
        // A sixteenth more: pieces at the end of a text are cut.
        assert!(
            16 * four <= 17 * 4 * once,
            "{piece:?}: {once} bytes for a text, {four} for one of four times its length"
        );
    }
}

#[test]
fn ranges_are_on_character_boundaries_in_any_script() {
    let secrets = Secrets::new().unwrap();
    for text in [
        "пароль: Зима2024зима",
        "密码：Abc12345!x",
        "contraseña",
        "lösenord är ååå8ååå8",
        "password „ü“",
        "pin é",
        "key=\"é",
    ] {
        secrets.scan(0, text, &mut |m| assert!(text.get(m.range.clone()).is_some(), "{text}"));
    }
}
