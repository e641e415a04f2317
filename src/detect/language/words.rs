//! The commonest words of each language, which tell it, and other everyday words that look like a technical word of
//! another language. Written from general knowledge of the languages; small letters, native letters.

/// Function words: articles, prepositions, pronouns, conjunctions, forms of *be* and *have*. In the order of
/// [`super::CODES`].
pub(super) const COMMON: [&str; 15] = [
    // English
    "the of and to in is that it was for on are with as his they at be this from have or by had not but what all were \
     when we there can an your which their said if do will each about how up out them then she some so these would \
     into has her him could been who its only my over did down after should our you i me us please may any also just \
     don't i'm it's does than because here where why more very still",
    // German
    "der die das und in zu den mit sich des auf für ist im dem nicht ein eine als auch es an werden aus er hat dass \
     sie nach wird bei einer um am sind noch wie einem über einen so zum war haben nur oder aber vor zur bis mehr \
     durch man sein wurde sei ich wir ihr mir mich uns bitte kann wenn diese dieser dieses vom unter gegen schon ihre \
     seine meine unsere was wer bin habe hatte wurden können muss soll keine kein ihren ihnen hallo",
    // French
    "de la le et les des en un du une que est pour qui dans a par plus pas au sur ne se ce il sont la aux avec son ses \
     ou comme mais on nous vous sa leur elle été cette été fait était ont tout ils si même être ces mon ma mes votre \
     notre vos nos je tu moi lui où quand très sans sous peut chez dont donc entre depuis d'un d'une c'est n'est j'ai \
     qu'il l'on bonjour merci",
    // Spanish
    "de la que el en y los se del las un por con no una su para es al lo como más o pero sus le ha me si sin sobre \
     este ya entre cuando todo esta ser son dos también fue había era muy hasta desde está mi porque qué sólo han yo \
     hay vez puede todos así nos ni parte tiene él uno donde bien ese ella hola nuestro nuestra usted ustedes gracias \
     estaba tengo estoy cada después antes",
    // Italian
    "di e il la che in un a per è una sono con non del si da dei le al come lo alla nel della più ma gli ha anche i o \
     delle questo dal se degli suo sua ci dalla nella era alle essere stato stata mi ho hanno tra fra molto dopo \
     sul sulla quando loro tutti tutto ai sui perché due prima noi voi lei lui cosa nostro nostra vostro questa \
     quello può solo senza buongiorno grazie",
    // Portuguese
    "de a o que e do da em um para é com não uma os no se na por mais as dos como mas foi ao ele das tem à seu sua ou \
     ser quando muito há nos já está eu também só pelo pela até isso ela entre era depois sem mesmo aos ter seus quem \
     nas me esse eles estão você tinha foram essa num nem suas meu às minha têm numa pelos havia seja nós lhe deles \
     olá obrigado obrigada",
    // Dutch
    "de het een en van in is dat op te zijn met voor niet die er aan om ook als dan maar bij of uit nog naar heeft ze \
     hij worden werd wordt door over ik je was tot kan we deze al zich zo hebben dit moet wat mijn haar hem ons uw \
     onze hun wel geen meer zou toen had wij u jij jullie mij waar graag onder tegen tussen alle veel na hier kunnen \
     alleen omdat hallo bedankt",
    // Polish
    "w i z na się do nie to jest że o jak po co ale za od przez dla tak czy już tylko ma być był była było są przy pod \
     jego jej ich tym tego ten ta te oraz może które który która jako bardzo gdy lub ze nas nam mnie mi my wy pan pani \
     proszę dzień dobry jeszcze więc także tej tych tę ja ty będzie mam został została bez między przed",
    // Swedish
    "och i att det som en på är av för med till den har de inte om ett han men var jag sig från vi så kan när år under \
     också efter eller nu sin där vid mot ska skulle kommer ut får finns vara hade alla andra mycket än här då sedan \
     över bara in blir upp även vad få två vill ha många hur mer går kanske du er oss vår vårt hon henne mig min mitt \
     hej tack någon något",
    // Danish
    "og i at det er en til af på for med den de som har ikke om et han men var jeg sig fra vi så kan da der skal vil \
     ved også efter eller nu sin hvor mod skulle kommer ud får blev være havde alle andre meget end her siden over \
     bare ind bliver op kun hvad hun hende mig min mit mine os vores jer dig din noget nogen mange hvis når været \
     hej tak af",
    // Norwegian
    "og i det er en til av på for med den de som har ikke om et han men var jeg seg fra vi så kan da der skal vil ved \
     også etter eller nå sin hvor mot skulle kommer ut får ble være hadde alle andre mye enn her siden over bare inn \
     blir opp kun hva hun henne meg min mitt mine oss vår vårt deg din noe noen mange hvis når vært hei takk at",
    // Finnish
    "ja on ei se että hän oli ovat mutta kun niin kuin myös joka mitä tai sen olen ole minä sinä me te he tämä jos \
     vain sitten nyt mukaan kanssa vielä jo ollut olisi voi sekä jälkeen ennen mikä tästä siitä siinä siellä täällä \
     kaikki koko hänen minun meidän teidän heidän sinun ette emme eivät olemme ovatko kuten koska ilman noin yli hei \
     kiitos vuonna tulee tule pitää saa minulla onko",
    // Czech
    "a se v na je že to s z do o i jako za by ale k si po tak jsem ve ze pro když už jen jsou jeho který která které \
     nebo byl byla bylo od co při jak až má být mezi tím ten ta ty toho také kde ještě může mohou pak než své svůj \
     jsme jste mě mi nám vám ho jí jejich podle před bez pod nad není proto prosím dobrý den děkuji tento této",
    // Romanian
    "de și în a la cu pe nu care un o din că se mai ce este sunt să pentru al ai ale au fost prin sau dar după fi lui \
     ei lor dacă am ca cel cea cei cele acest această aceasta acesta sale său sa noi voi eu tu el ea mi ne vă le îi \
     își între până când unde cum doar foarte fără despre către si in sa ca am fost bună ziua mulțumesc dumneavoastră \
     toate tot",
    // Turkish
    "ve bir bu da de için ile çok daha o ne gibi olarak en var kadar sonra olan ama ben sen biz siz onlar değil mi mı \
     mu her şey ki ya yok ise veya göre önce ilk iki diye kendi bana sana ona bize size onun benim senin bizim sizin \
     nasıl neden niçin olduğu oldu olur olsun hem hiç bile şu şimdi lütfen merhaba teşekkürler ancak artık üzerinde",
];

/// Everyday words that are also a number's name or a cue in another language, such as *fin* (the number of a Singapore
/// resident, and "end" in French). They tell no language, they only do not count in a text of theirs.
pub(super) const HOMOGRAPHS: [(&str, &str); 13] = [
    (
        "en",
        "rut nip sin fin pan tin rat kind gift fast also nie rut brief art bad not man mobile ring cell bell bel \
            male age data face post visa due note",
    ),
    ("de", "nie bis pan art die tag arm not rot fin rat kind ring ruf mut nun tin"),
    ("fr", "fin nie nif pan sin sis bis tin sur an nom date code dos dent bel ring mes"),
    ("es", "sin fin pan nie rut nif alta ni cell ara tin don tel tan red"),
    ("it", "fin pan nie sin bis ora ala cui data cure fine mese sale"),
    ("pt", "fim sin nem pan data rua bis ano cui"),
    ("nl", "of die de bis pan bel man nie ring tin kind arts geb sinds"),
    ("pl", "nie pan sin tin bez fin po kom pin data dane"),
    ("sv", "fin bis sin pan man dag barn mot art ring gift tin"),
    ("da", "fin sin pan man barn art gift ring nip"),
    ("no", "fin sin pan man barn art gift ring nip"),
    ("ro", "sin pan bis nici data fin dosar"),
    ("tr", "sin tin fin pan data bel ara"),
];
