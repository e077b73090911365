//! The page's words: the vendor's own, in English and in Portuguese.

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

texts! {
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
    claim "claim of" "anúncio de"
    never "Nobody has claimed it yet." "Ninguém o anunciou ainda."
    none "There is no HAVIP here." "Não há nenhum HAVIP aqui."
    no_subnet "There is no subnet in this region: make one by CreateVpc and CreateSubnet." "Não há nenhuma sub-rede nesta região: crie uma com CreateVpc e CreateSubnet."
    error "Not done" "Não foi feito"
}
