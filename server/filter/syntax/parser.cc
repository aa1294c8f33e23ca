#include "server/filter/syntax/parser.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "server/filter/limits.h"
#include "server/filter/syntax/lexer.h"
#include "server/filter/syntax/literal.h"
#include "server/filter/syntax/macros.h"
#include "server/filter/utf8.h"

namespace curatord::filter {
namespace {

struct BinaryOperator {
  int precedence = 0;  // higher binds tighter
  absl::string_view function;
};

std::optional<BinaryOperator> BinaryOperatorOf(const Token& token) {
  switch (token.kind) {
    case TokenKind::kOr:
      return BinaryOperator{1, "_||_"};
    case TokenKind::kAnd:
      return BinaryOperator{2, "_&&_"};
    case TokenKind::kLess:
      return BinaryOperator{3, "_<_"};
    case TokenKind::kLessEqual:
      return BinaryOperator{3, "_<=_"};
    case TokenKind::kGreater:
      return BinaryOperator{3, "_>_"};
    case TokenKind::kGreaterEqual:
      return BinaryOperator{3, "_>=_"};
    case TokenKind::kEqual:
      return BinaryOperator{3, "_==_"};
    case TokenKind::kNotEqual:
      return BinaryOperator{3, "_!=_"};
    case TokenKind::kIdentifier:
      if (token.text == "in") return BinaryOperator{3, "@in"};
      return std::nullopt;
    case TokenKind::kPlus:
      return BinaryOperator{4, "_+_"};
    case TokenKind::kMinus:
      return BinaryOperator{4, "_-_"};
    case TokenKind::kStar:
      return BinaryOperator{5, "_*_"};
    case TokenKind::kSlash:
      return BinaryOperator{5, "_/_"};
    case TokenKind::kPercent:
      return BinaryOperator{5, "_%_"};
    default:
      return std::nullopt;
  }
}

bool IsNumber(const Token& token) {
  return token.kind == TokenKind::kInt || token.kind == TokenKind::kDouble;
}

// Not even the name of a field.
bool IsKeyword(absl::string_view word) {
  return word == "in" || word == "true" || word == "false" || word == "null";
}

// The name of a field, but of no variable and no function.
bool IsReserved(absl::string_view word) {
  constexpr absl::string_view kReserved[] = {
      "as",  "break", "const",   "continue",  "else",   "for", "function", "if",   "import",
      "let", "loop",  "package", "namespace", "return", "var", "void",     "while"};
  return std::find(std::begin(kReserved), std::end(kReserved), word) != std::end(kReserved);
}

// Recursive descent; the binary operators by precedence climbing, so that a pair of
// parentheses costs few stack frames.
class Parser {
 public:
  explicit Parser(const Source& source) : source_(source), lexer_(source) {}

  absl::StatusOr<ExprPtr> Run() {
    if (absl::Status status = Advance(); !status.ok()) return status;
    absl::StatusOr<ExprPtr> expr = Expression();
    if (!expr.ok()) return expr;
    if (token_.kind != TokenKind::kEnd) return Unexpected("an operator or the end");
    return expr;
  }

 private:
  // Counts the nesting of what is being parsed; the trees have depths of their own.
  class Nesting {
   public:
    explicit Nesting(Parser* parser) : parser_(parser) { ++parser_->nesting_; }
    ~Nesting() { --parser_->nesting_; }
    Nesting(const Nesting&) = delete;
    Nesting& operator=(const Nesting&) = delete;
    bool too_deep() const { return parser_->nesting_ > kMaxDepth; }

   private:
    Parser* parser_;
  };

  // condition ? then : else, where `else` may be another one.
  absl::StatusOr<ExprPtr> Expression() {
    const Nesting nesting(this);
    if (nesting.too_deep()) return TooDeep(token_.offset);
    absl::StatusOr<ExprPtr> condition = Binary(1);
    if (!condition.ok() || token_.kind != TokenKind::kQuestion) return condition;
    ExprPtr conditional = New(ExprKind::kConditional, token_);
    if (absl::Status status = Advance(); !status.ok()) return status;
    // CEL's grammar: without parentheses no conditional stands between ? and :.
    absl::StatusOr<ExprPtr> then = Binary(1);
    if (!then.ok()) return then;
    if (absl::Status status = Expect(TokenKind::kColon, "\":\""); !status.ok()) return status;
    absl::StatusOr<ExprPtr> otherwise = Expression();
    if (!otherwise.ok()) return otherwise;
    Adopt(*conditional, *std::move(condition));
    Adopt(*conditional, *std::move(then));
    Adopt(*conditional, *std::move(otherwise));
    return Finish(std::move(conditional));
  }

  // Operators of at least this precedence, grouped to the left.
  absl::StatusOr<ExprPtr> Binary(int precedence) {
    absl::StatusOr<ExprPtr> left = Unary();
    while (left.ok()) {
      const std::optional<BinaryOperator> op = BinaryOperatorOf(token_);
      if (!op.has_value() || op->precedence < precedence) break;
      const Token op_token = token_;
      if (absl::Status status = Advance(); !status.ok()) return status;
      absl::StatusOr<ExprPtr> right = Binary(op->precedence + 1);
      if (!right.ok()) return right;
      left = Combine(*op, op_token, *std::move(left), *std::move(right));
    }
    return left;
  }

  // Long chains of && and || are one node: they must not count as deep.
  absl::StatusOr<ExprPtr> Combine(const BinaryOperator& op, const Token& token, ExprPtr left,
                                  ExprPtr right) {
    ExprPtr expr;
    if (token.kind == TokenKind::kAnd || token.kind == TokenKind::kOr) {
      const ExprKind kind = token.kind == TokenKind::kAnd ? ExprKind::kAnd : ExprKind::kOr;
      if (left->kind == kind) {
        expr = std::move(left);
      } else {
        expr = New(kind, token);
        Adopt(*expr, std::move(left));
      }
    } else {
      expr = New(ExprKind::kCall, token);
      expr->name = std::string(op.function);
      Adopt(*expr, std::move(left));
    }
    Adopt(*expr, std::move(right));
    return Finish(std::move(expr));
  }

  absl::StatusOr<ExprPtr> Unary() {
    std::vector<Token> operators;
    bool negative_literal = false;
    while (token_.kind == TokenKind::kNot || token_.kind == TokenKind::kMinus) {
      const Token op = token_;
      if (!operators.empty() && operators.back().kind != op.kind) return Unexpected("an operand");
      if (operators.size() >= kMaxDepth) return TooDeep(op.offset);
      if (absl::Status status = Advance(); !status.ok()) return status;
      if (op.kind == TokenKind::kMinus && IsNumber(token_)) {
        negative_literal = true;
        break;
      }
      operators.push_back(op);
    }
    absl::StatusOr<ExprPtr> expr = Member(negative_literal);
    for (; expr.ok() && !operators.empty(); operators.pop_back()) {
      ExprPtr call = New(ExprKind::kCall, operators.back());
      call->name = operators.back().kind == TokenKind::kNot ? "!_" : "-_";
      Adopt(*call, *std::move(expr));
      expr = Finish(std::move(call));
    }
    return expr;
  }

  // A primary expression with its .field, .call() and [index].
  absl::StatusOr<ExprPtr> Member(bool negative_literal) {
    absl::StatusOr<ExprPtr> expr = Primary(negative_literal);
    while (expr.ok()) {
      if (token_.kind == TokenKind::kDot) {
        expr = Select(*std::move(expr));
      } else if (token_.kind == TokenKind::kLeftBracket) {
        expr = Index(*std::move(expr));
      } else if (token_.kind == TokenKind::kLeftBrace && IsTypeName(**expr)) {
        expr = Message(*std::move(expr));
      } else {
        break;
      }
    }
    return expr;
  }

  absl::StatusOr<ExprPtr> Select(ExprPtr operand) {
    if (absl::Status status = Advance(); !status.ok()) return status;
    const Token name = token_;
    absl::StatusOr<std::string> field = FieldName();
    if (!field.ok()) return field.status();
    const bool is_call =
        token_.kind == TokenKind::kLeftParen && name.kind == TokenKind::kIdentifier;
    ExprPtr expr = New(is_call ? ExprKind::kReceiverCall : ExprKind::kSelect, name);
    expr->name = *std::move(field);
    Adopt(*expr, std::move(operand));
    return is_call ? Arguments(std::move(expr)) : Finish(std::move(expr));
  }

  absl::StatusOr<ExprPtr> Index(ExprPtr operand) {
    ExprPtr expr = New(ExprKind::kCall, token_);
    expr->name = "_[_]";
    if (absl::Status status = Advance(); !status.ok()) return status;
    absl::StatusOr<ExprPtr> index = Expression();
    if (!index.ok()) return index;
    if (absl::Status status = Expect(TokenKind::kRightBracket, "\"]\""); !status.ok()) {
      return status;
    }
    Adopt(*expr, std::move(operand));
    Adopt(*expr, *std::move(index));
    return Finish(std::move(expr));
  }

  absl::StatusOr<ExprPtr> Primary(bool negative_literal) {
    const Token token = token_;
    switch (token.kind) {
      case TokenKind::kInt:
      case TokenKind::kUint:
      case TokenKind::kDouble:
        return Literal(NumberLiteral(source_, token, negative_literal));
      case TokenKind::kString:
      case TokenKind::kBytes:
        return Literal(TextLiteral(source_, token));
      case TokenKind::kDot:
      case TokenKind::kIdentifier:
        return NameOrCall();
      case TokenKind::kLeftParen: {
        if (absl::Status status = Advance(); !status.ok()) return status;
        absl::StatusOr<ExprPtr> inner = Expression();
        if (!inner.ok()) return inner;
        if (absl::Status status = Expect(TokenKind::kRightParen, "\")\""); !status.ok()) {
          return status;
        }
        return inner;
      }
      case TokenKind::kLeftBracket:
        return List();
      case TokenKind::kLeftBrace:
        return Map();
      default:
        return Unexpected("an operand");
    }
  }

  absl::StatusOr<ExprPtr> Literal(absl::StatusOr<Value> value) {
    if (!value.ok()) return value.status();
    ExprPtr expr = New(ExprKind::kLiteral, token_);
    expr->literal = *std::move(value);
    if (absl::Status status = Advance(); !status.ok()) return status;
    return expr;
  }

  absl::StatusOr<ExprPtr> NameOrCall() {
    ExprPtr expr = New(ExprKind::kName, token_);
    if (token_.kind == TokenKind::kDot) {
      expr->rooted = true;
      if (absl::Status status = Advance(); !status.ok()) return status;
      if (token_.kind != TokenKind::kIdentifier) return Unexpected("a name");
    }
    const Token token = token_;
    if (!expr->rooted) {
      if (token.text == "true" || token.text == "false") {
        return Literal(Value::Bool(token.text == "true"));
      }
      if (token.text == "null") return Literal(Value());
    }
    if (IsKeyword(token.text)) return Unexpected("an operand");
    if (IsReserved(token.text)) {
      return source_.Error(token.offset, absl::StrCat("\"", token.text, "\" is a reserved word"));
    }
    expr->name = std::string(token.text);
    if (absl::Status status = Advance(); !status.ok()) return status;
    if (token_.kind != TokenKind::kLeftParen) return expr;
    expr->kind = ExprKind::kCall;
    return Arguments(std::move(expr));
  }

  // The parenthesis is the current token.
  absl::StatusOr<ExprPtr> Arguments(ExprPtr call) {
    if (absl::Status status = Advance(); !status.ok()) return status;
    while (token_.kind != TokenKind::kRightParen) {
      absl::StatusOr<ExprPtr> argument = Expression();
      if (!argument.ok()) return argument;
      Adopt(*call, *std::move(argument));
      if (token_.kind == TokenKind::kRightParen) break;
      if (absl::Status status = Expect(TokenKind::kComma, "\",\" or \")\""); !status.ok()) {
        return status;
      }
      if (token_.kind == TokenKind::kRightParen) return Unexpected("an argument");
    }
    if (absl::Status status = Advance(); !status.ok()) return status;
    absl::StatusOr<ExprPtr> expanded = ExpandMacro(source_, std::move(call));
    if (!expanded.ok()) return expanded;
    return Finish(*std::move(expanded));
  }

  absl::StatusOr<ExprPtr> List() {
    ExprPtr list = New(ExprKind::kList, token_);
    if (absl::Status status = Advance(); !status.ok()) return status;
    while (token_.kind != TokenKind::kRightBracket) {
      absl::StatusOr<ExprPtr> element = Expression();
      if (!element.ok()) return element;
      Adopt(*list, *std::move(element));
      // A comma may follow the last element.
      if (token_.kind == TokenKind::kRightBracket) break;
      if (absl::Status status = Expect(TokenKind::kComma, "\",\" or \"]\""); !status.ok()) {
        return status;
      }
    }
    if (absl::Status status = Advance(); !status.ok()) return status;
    return Finish(std::move(list));
  }

  absl::StatusOr<ExprPtr> Map() {
    ExprPtr map = New(ExprKind::kMap, token_);
    const auto key = [this, &map]() -> absl::Status {
      absl::StatusOr<ExprPtr> expr = Expression();
      if (!expr.ok()) return expr.status();
      Adopt(*map, *std::move(expr));
      return absl::OkStatus();
    };
    if (absl::Status status = Entries(*map, key); !status.ok()) return status;
    return Finish(std::move(map));
  }

  absl::StatusOr<ExprPtr> Message(ExprPtr type) {
    ExprPtr message = New(ExprKind::kMessage, token_);
    message->offset = RootOf(*type).offset;
    message->rooted = RootOf(*type).rooted;
    message->name = QualifiedName(*type);
    const auto field = [this, &message]() -> absl::Status {
      absl::StatusOr<std::string> name = FieldName();
      if (!name.ok()) return name.status();
      message->field_names.push_back(*std::move(name));
      return absl::OkStatus();
    };
    if (absl::Status status = Entries(*message, field); !status.ok()) return status;
    return Finish(std::move(message));
  }

  // {key: value, ...}, of a map or a message.
  template <typename ParseKey>
  absl::Status Entries(Expr& expr, ParseKey parse_key) {
    if (absl::Status status = Advance(); !status.ok()) return status;
    while (token_.kind != TokenKind::kRightBrace) {
      if (absl::Status status = parse_key(); !status.ok()) return status;
      if (absl::Status status = Expect(TokenKind::kColon, "\":\""); !status.ok()) return status;
      absl::StatusOr<ExprPtr> value = Expression();
      if (!value.ok()) return value.status();
      Adopt(expr, *std::move(value));
      if (token_.kind == TokenKind::kRightBrace) break;
      if (absl::Status status = Expect(TokenKind::kComma, "\",\" or \"}\""); !status.ok()) {
        return status;
      }
    }
    return Advance();
  }

  absl::StatusOr<std::string> FieldName() {
    const Token name = token_;
    absl::string_view text = name.text;
    if (name.kind == TokenKind::kQuotedIdentifier) {
      text = text.substr(1, text.size() - 2);
    } else if (name.kind != TokenKind::kIdentifier || IsKeyword(text)) {
      return Unexpected("the name of a field");
    }
    if (absl::Status status = Advance(); !status.ok()) return status;
    return std::string(text);
  }

  static const Expr& RootOf(const Expr& expr) {
    const Expr* root = &expr;
    while (root->kind == ExprKind::kSelect) root = root->operands[0].get();
    return *root;
  }

  static bool IsTypeName(const Expr& expr) { return RootOf(expr).kind == ExprKind::kName; }

  static std::string QualifiedName(const Expr& expr) {
    if (expr.kind == ExprKind::kName) return expr.name;
    return absl::StrCat(QualifiedName(*expr.operands[0]), ".", expr.name);
  }

  static ExprPtr New(ExprKind kind, const Token& token) {
    return std::make_unique<Expr>(kind, token.offset);
  }

  static void Adopt(Expr& parent, ExprPtr child) {
    parent.depth = std::max(parent.depth, child->depth + 1);
    parent.operands.push_back(std::move(child));
  }

  absl::StatusOr<ExprPtr> Finish(ExprPtr expr) const {
    if (expr->depth > kMaxDepth) return TooDeep(expr->offset);
    return expr;
  }

  absl::Status Advance() {
    absl::StatusOr<Token> next = lexer_.Next();
    if (!next.ok()) return next.status();
    token_ = *next;
    return absl::OkStatus();
  }

  absl::Status Expect(TokenKind kind, absl::string_view what) {
    if (token_.kind != kind) return Unexpected(what);
    return Advance();
  }

  absl::Status Unexpected(absl::string_view expected) const {
    const absl::string_view found = Excerpt(token_.text);
    return source_.Error(token_.offset,
                         token_.kind == TokenKind::kEnd
                             ? absl::StrCat("expected ", expected, ", found the end")
                             : absl::StrCat("expected ", expected, ", found ", found));
  }

  absl::Status TooDeep(size_t offset) const {
    return source_.Error(offset, absl::StrCat("nested more than ", kMaxDepth, " deep"));
  }

  const Source& source_;
  Lexer lexer_;
  Token token_;
  int nesting_ = 0;
};

}  // namespace

absl::StatusOr<ExprPtr> Parse(const Source& source) {
  if (source.text().size() > kMaxFilterBytes) {
    return absl::InvalidArgumentError(absl::StrCat("the filter has ", source.text().size(),
                                                   " bytes, more than ", kMaxFilterBytes));
  }
  const size_t valid = ValidUtf8Prefix(source.text());
  if (valid < source.text().size()) return source.Error(valid, "the filter is not valid UTF-8");
  return Parser(source).Run();
}

}  // namespace curatord::filter
