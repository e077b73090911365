//! Client tokens: a request that is sent again makes nothing twice.

use super::objects::Token;
use super::{Code, Model, Refused};

/// How many tokens are remembered.
const REMEMBERED: usize = 10_000;

impl Model {
    /// What a request with this token has made before; complains of one that asked for something else.
    pub fn made_before(
        &self,
        region: &str,
        action: &str,
        token: &str,
        asked: &str,
    ) -> Result<Option<&Token>, Refused> {
        if token.len() > 64 || !token.is_ascii() {
            let message = "The parameter `ClientToken` is not of at most 64 ASCII characters.";
            return Err(Refused::new(Code::TOO_LONG, message));
        }
        match self.tokens.get(&key(region, action, token)) {
            Some(found) if found.asked != asked => {
                let message = format!("The `ClientToken` `{token}` was used with other parameters.");
                Err(Refused::new(Code::IDEMPOTENT_MISMATCH, message))
            }
            found => Ok(found),
        }
    }

    /// Remembers what a request with a token has made.
    pub fn remember(
        &mut self,
        region: &str,
        action: &str,
        token: &str,
        asked: &str,
        made: Vec<String>,
        task: Option<u64>,
    ) {
        while self.tokens.len() >= REMEMBERED
            && let Some(oldest) = self.tokens.oldest().map(|token| token.id.clone())
        {
            self.tokens.remove(&oldest);
        }
        let number = self.ids.number();
        self.tokens.insert(Token {
            id: key(region, action, token),
            number,
            asked: asked.to_owned(),
            made,
            task,
        });
    }
}

fn key(region: &str, action: &str, token: &str) -> String {
    format!("{region} {action} {token}")
}
