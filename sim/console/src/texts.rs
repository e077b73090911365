//! The page's words: the vendor's own, in English and in Portuguese.

use havip_sim::cloud::model::{Cause, Code, Refused, Warning};

use crate::civil::date_time;

macro_rules! texts {
    ($($name:ident $en:literal $pt:literal)*) => {
        /// The words of one language.
        #[derive(Debug)]
        #[allow(missing_docs, reason = "each is what it says")]
        pub struct Texts { $(pub $name: &'static str,)* }
        /// English.
        pub static EN: Texts = Texts { $($name: $en,)* };
        /// Portuguese.
        pub static PT: Texts = Texts { $($name: $pt,)* };
    };
}

impl Texts {
    /// Why a binding moved, in a word.
    pub fn cause(&self, cause: Cause) -> &'static str {
        match cause {
            Cause::Claim { .. } => self.claim,
            Cause::Created => self.created_so,
            Cause::Detached => self.detached,
        }
    }

    /// Something that somebody should look at.
    pub fn warning(&self, warning: &Warning) -> String {
        match warning {
            Warning::Turns { enis: [a, b], moves, within } => {
                let text = self.turns.replace("{a}", a).replace("{b}", b);
                text.replace("{moves}", &moves.to_string())
                    .replace("{seconds}", &within.as_secs().to_string())
            }
            Warning::Silent { eni, last } => {
                self.silent.replace("{a}", eni).replace("{last}", &date_time(*last))
            }
        }
    }

    /// Why something was not done. The API's messages are English, whatever its clients' language is.
    pub fn refusal(&self, refused: &Refused) -> String {
        let known = PORTUGUESE.iter().find(|(code, _)| self.language == "pt" && refused.code == *code);
        known.map_or_else(|| refused.message.clone(), |(_, text)| (*text).to_owned())
    }
}

/// What the page's forms can be refused with.
const PORTUGUESE: &[(Code, &str)] = &[
    (Code::RANGE, "O endereço não está dentro da sub-rede."),
    (Code::RESERVED, "O endereço é reservado pelo sistema."),
    (Code::MALFORMED, "O valor informado não está em um formato válido."),
    (Code::IN_USE, "O endereço já está em uso."),
    (Code::TOO_LONG, "O nome tem mais de 60 caracteres."),
    (Code::EMPTY, "Informe um nome."),
    (Code::NOT_FOUND, "O recurso não existe ou deixou de existir."),
    (Code::INSUFFICIENT, "Não há nenhum endereço livre na sub-rede."),
    (Code::LIMIT, "A cota de HAVIPs da VPC foi atingida."),
    (Code::UNSUPPORTED, "Há um EIP vinculado ao HAVIP. Desvincule-o primeiro."),
    (Code::BIND_EIP, "O HAVIP já tem um EIP, ou o EIP já está vinculado."),
    (Code::UNBIND_EIP, "Não há nenhum EIP vinculado ao HAVIP."),
    (Code::MUTEX, "Outra tarefa está em andamento neste recurso."),
];

texts! {
    language "en" "pt"
    title "HAVIP" "HAVIP"
    region "Region" "Região"
    search "Search by ID, name or address" "Pesquisar por ID, nome ou endereço"
    refresh "Refresh" "Atualizar"
    apply "Apply" "Solicitar"
    apply_title "Apply for a HAVIP" "Solicitar um HAVIP"
    id_name "ID/Name" "ID/Nome"
    status "Status" "Status"
    address "Address" "Endereço"
    eni "Backend ENI" "ENI de back-end"
    server "Server" "Servidor"
    eip "EIP" "EIP"
    network "Network" "Rede"
    subnet "Subnet" "Sub-rede"
    created "Application time" "Hora da solicitação"
    operation "Operation" "Operação"
    bound "Bound with CVM" "Vinculado ao CVM"
    unbound "Not bound with CVM yet" "Ainda não vinculado ao CVM"
    name "Name" "Nome"
    name_hint "Enter a name for the HAVIP, up to 60 characters" "Insira um nome para o HAVIP, com até 60 caracteres"
    vpc "Virtual Private Cloud" "Virtual Private Cloud"
    ip "IP address" "Endereço IP"
    automatic "Automatic Assignment" "Atribuição automática"
    manual "Enter manually" "Inserir manualmente"
    range "The address must be within" "O endereço deve estar dentro de"
    ok "OK" "OK"
    cancel "Cancel" "Cancelar"
    bind "Bind EIP" "Vincular EIP"
    unbind "Unbind EIP" "Desvincular EIP"
    release "Release" "Liberar"
    confirm "Confirm" "Confirmar"
    bind_hint "Choose an EIP that is bound to nothing." "Selecione um EIP que não esteja vinculado."
    no_eip "There is no unbound EIP in this region." "Não há nenhum EIP desvinculado nesta região."
    unbind_hint "Public network traffic to this HAVIP ends, and the EIP is idle." "O tráfego de rede pública para este HAVIP termina, e o EIP fica ocioso."
    release_hint "The address is given back. Then remove it from the configuration of the machines." "O endereço é devolvido. Depois, remova-o da configuração das máquinas."
    timeline "Ownership timeline" "Linha do tempo"
    when "Time" "Hora"
    from "From" "De"
    to "To" "Para"
    cause "Cause" "Causa"
    claim "claim" "anúncio"
    claim_of "claim of {mac}, +{delay} ms" "anúncio de {mac}, +{delay} ms"
    created_so "created so" "criado assim"
    detached "interface detached" "interface desvinculada"
    turns "{a} and {b} claim it in turn: {moves} moves within {seconds} s" "{a} e {b} o anunciam alternadamente: {moves} mudanças em {seconds} s"
    silent "nothing has been heard from its owner {a} since {last}" "nada se ouve do titular {a} desde {last}"
    never "Nobody has claimed it yet." "Ninguém o anunciou ainda."
    none "There is no HAVIP here." "Não há nenhum HAVIP aqui."
    no_subnet "There is no subnet in this region: make one by CreateVpc and CreateSubnet." "Não há nenhuma sub-rede nesta região: crie uma com CreateVpc e CreateSubnet."
    error "Not done" "Não foi feito"
}
