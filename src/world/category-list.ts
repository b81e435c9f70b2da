/**
 * The nameable things of RexWorld, curated by hand from the Unicode emoji that are physical, look different from each
 * other and have a short English noun.
 *
 * One line per super-category, everyday things first: the order decides how often a category appears (`categories.ts`).
 * An entry is `codepoints name`, `codepoints name|plural` where the plural is irregular, and a leading `*` where the
 * sprite has one dominant colour that can be repainted (those are always painted, so that colour is a fact of each
 * one). Left out on purpose: people, flags, symbols, plural-only nouns (scissors), look-alikes (fifteen clocks) and
 * names that end in another name (`hot dog` is written `hotdog`), because "find every dog" must have one right answer.
 */
export const CATEGORY_LIST: Readonly<Record<string, string>> = {
  animal: `1f415 dog; 1f408 cat; 1f40e horse; 1f404 cow; 1f418 elephant; 1f411 sheep|sheep; 1f43b bear; 1f407 rabbit;
    1f416 pig; 1f405 tiger; 1f992 giraffe; 1f993 zebra; 1f981 lion; 1f401 mouse|mice; 1f98a fox|foxes;
    1f43a wolf|wolves; 1f43c panda; 1f412 monkey; 1f438 frog; 1f422 turtle; 1f40d snake; 1f98c deer|deer; 1f410 goat;
    1f998 kangaroo; 1f428 koala; 1f42b camel; 1f999 llama; 1f9a7 orangutan; 1f99d raccoon; 1f98f rhino; 1f99b hippo;
    1f439 hamster; 1f43f-fe0f chipmunk; 1f9ab beaver; 1f994 hedgehog; 1f987 bat; 1f9a5 sloth; 1f9a6 otter;
    1f9a8 skunk; 1f40a crocodile; 1f417 boar; 1face moose|moose; 1f984 unicorn; 1f995 dinosaur; 1f409 dragon`,
  bird: `1f426 sparrow; 1f986 duck; 1f414 chicken; 1f427 penguin; 1f989 owl; 1f985 eagle; 1f99c parrot; 1f9a2 swan;
    1f9a9 flamingo; 1f99a peacock; 1f983 turkey; 1f413 rooster; 1f424 chick`,
  'sea creature': `*1f41f fish|fish; 1f42c dolphin; 1f40b whale; 1f988 shark; 1f980 crab; 1f419 octopus;
    1f99e lobster; 1f990 shrimp|shrimp; 1f9ad seal; 1f991 squid|squid; 1f421 pufferfish|pufferfish;
    1fabc jellyfish|jellyfish; 1f41a seashell`,
  bug: `*1f98b butterfly; 1f41d bee; 1f41c ant; 1f41e ladybug; 1f577-fe0f spider; 1f41b caterpillar; 1fab2 beetle;
    1f997 cricket; 1f40c snail`,
  fruit: `1f34e apple; 1f34c banana; 1f34b lemon; 1f353 strawberry; 1f350 pear; 1f349 watermelon; 1f34d pineapple;
    1f34a tangerine; 1f351 peach; 1f352 cherry; 1f347 grape; 1f95d kiwi; 1f96d mango; 1f965 coconut; 1fad0 blueberry`,
  vegetable: `1f345 tomato; 1f955 carrot; 1f966 broccoli; 1f954 potato; 1f33d corncob; 1f344 mushroom; 1f9c5 onion;
    1f952 cucumber; 1f346 eggplant; *1fad1 pepper; 1f336-fe0f chili; 1f951 avocado; 1f9c4 garlic|garlic;
    1f96c lettuce; 1fadb pea; 1f95c peanut`,
  food: `1f35e bread; 1f95a egg; 1f354 hamburger; 1f355 pizza; 1f9c0 cheese; 1f369 donut; 1f36a cookie; 1f382 cake;
    1f32d hotdog; 1f96a sandwich; 1f32e taco; 1f950 croissant; 1f9c1 cupcake; 1f363 sushi|sushi; 1f36d lollipop;
    *1f36c candy; 1f36b chocolate; 1f967 pie; 1f968 pretzel; 1f9c7 waffle; 1f95e pancake; 1f32f burrito;
    1f357 drumstick; 1f969 steak; 1f953 bacon|bacon; 1f95f dumpling; 1f366 ice cream`,
  dish: `2615 cup; 1f377 wineglass; 1f37a mug; 1f944 spoon; 1f52a knife|knives; *1fad6 teapot; 1f964 soda;
    1f37c baby bottle; 1f375 teacup; 1f9cb bubble tea; 1f9c3 juice; 1f962 chopstick; 1f373 frying pan; 1fad9 jar;
    1f96b can; 1f9c2 salt shaker`,
  flower: `*1f339 rose; 1f33b sunflower; *1f337 tulip; 1f33c daisy; 1f33a hibiscus; 1f338 cherry blossom;
    1fab7 lotus`,
  plant: `1f333 tree; 1fab4 potted plant; 1f335 cactus; 1f334 palm; 1f332 pine; 1f341 maple leaf|maple leaves;
    1f331 seedling; 1f340 clover`,
  vehicle: `*1f697 car; 1f68c bus; 1f6b2 bicycle; 2708-fe0f airplane; 1f69a truck; 26f5 sailboat;
    1f3cd-fe0f motorcycle; 1f695 taxi; 1f681 helicopter; 1f682 locomotive; 1f69c tractor; 1f680 rocket; 1f6a2 ship;
    1f691 ambulance; 1f692 fire engine; *1f6f5 scooter; 1f6f9 skateboard; 1f6f6 canoe; 1f6fb pickup; 1f683 wagon;
    1f69d monorail; 1f6fa rickshaw; 1f9bd wheelchair; 1f6f7 sled; 1f6f8 flying saucer; 1f6a0 gondola;
    1f6fc roller skate`,
  building: `1f3e0 house; 26fa tent; 1f3f0 castle; 26ea church; 1f3ed factory; 1f3aa circus; 1f5fc tower;
    1f5ff statue`,
  clothing: `*1f455 shirt; 1f45f sneaker; *1f457 dress; *1f9e2 cap; *1f9e5 coat; *1f9e3 scarf|scarves; 1f3a9 top hat;
    1f451 crown; *1f454 necktie; *1f462 boot; *1f460 high heel; 1f45e shoe; *1f9e4 glove; *1f9e6 sock; *1f458 kimono;
    *1f97b sari; *1fa71 swimsuit; 1f452 straw hat; *26d1-fe0f helmet; 1f393 mortarboard; *1fa74 sandal`,
  bag: `*1f392 backpack; 1f45c handbag; *1f9f3 suitcase; 1f4bc briefcase; *1f45b purse; 1f6cd-fe0f shopping bag`,
  toy: `*1f388 balloon; 1f9f8 teddy; *1f381 gift; *1f9e9 puzzle piece; 1f3b2 die|dice; 1fa81 kite; *1fa80 yoyo;
    1f3ae game controller; 1fa85 pinata; 1f579-fe0f joystick; 1faa9 disco ball; 1f52e crystal ball; 1f383 pumpkin;
    26c4 snowman|snowmen`,
  'sports gear': `26bd soccer ball; 1f3c0 basketball; 1f3be racket; 26be baseball; 1f3d0 volleyball; 1f3c8 football;
    1f3d3 paddle; *1f94a boxing mitt; 1f3c6 trophy; 1f3c5 medal; 1f3af target; 26f8-fe0f ice skate;
    1f3b1 billiard ball; *1f94f frisbee; 1f3f9 bow`,
  instrument: `1f3b8 guitar; 1f3b9 piano; 1f941 drum; 1f3bb violin; 1f3ba trumpet; 1f3b7 saxophone; 1f514 bell;
    1fa95 banjo; 1fa97 accordion; 1fa87 maraca; 1fa88 flute`,
  tool: `1f528 hammer; 1f527 wrench; *1fa9b screwdriver; 1fa93 axe; 1f511 key; *1f9f0 toolbox; 1f512 padlock;
    1fa9a saw; 1fa9c ladder; *1f9f2 magnet; 26cf-fe0f pickaxe; 2699-fe0f gear; *1f9f6 yarn ball; *1f9f5 thread spool;
    1f9ed compass; *2693 anchor; 1faa2 rope; *1f6e1-fe0f shield; 1f5e1-fe0f dagger; 1f52c microscope;
    1f52d telescope; 1f489 syringe; 1fa7a stethoscope; 1f9ef fire extinguisher`,
  'household item': `1f4a1 light bulb; *2602-fe0f umbrella; 1f56f-fe0f candle; 1f9f9 broom; *1faa3 bucket;
    1f9fb paper roll; *1faa5 toothbrush; 1f9fc soap bar; *1f9fd sponge; 1f5d1-fe0f trash bin; 1f3ee lantern;
    *1fa92 razor; *1faae comb; 1f484 lipstick; 1f48d ring; *1f48e gem; *1f397-fe0f ribbon; 1fa9e mirror;
    *23f0 alarm clock; 231b hourglass; *231a watch; 1faad fan; 1fa99 coin`,
  furniture: `1fa91 chair; *1f6cf-fe0f bed; *1f6cb-fe0f sofa; 1f6aa door; 1fa9f window; 1f6bd toilet;
    1f5c4-fe0f cabinet; 1f4ba seat; 1f5bc-fe0f painting`,
  device: `1f4f1 phone; 1f4bb laptop; 1f4f7 camera; 1f4fa television; *260e-fe0f telephone; 1f3a7 headphone;
    1f3a4 microphone; 1f4fb radio; 2328-fe0f keyboard; 1f50b battery; 1f50c plug; 1f5a5-fe0f monitor; 1f4e1 antenna`,
  stationery: `*1f4d5 book; *270f-fe0f pencil; 2709-fe0f envelope; 1f4f0 newspaper; *1f58a-fe0f pen; *1f4cc pushpin;
    1f4ce paperclip; 1f4cf ruler; *1f58d-fe0f crayon; 1f4e6 parcel; *1f4c1 folder; 1f4d3 notebook; *1f4ee mailbox`,
  'outdoor thing': `1f6d1 stop sign; 1f6a6 traffic light; *26fd gas pump; 1f6a7 barrier; 26f1-fe0f parasol;
    1fab5 log; 1faa8 rock; 1fab9 nest; 1f6e2-fe0f barrel; *1f6df lifebuoy; 1f30b volcano; 1f4a3 bomb; 1f9b4 bone;
    1f578-fe0f cobweb`,
};

/**
 * Names of which one could pass for another: when one is in an image, none of its line is ever asked for as absent.
 */
export const LOOK_ALIKES: readonly string[] = [
  'tree;pine;palm;potted plant;seedling;cactus;bouquet',
  'car;taxi;pickup;rickshaw;gondola;bus;wagon;locomotive;train;monorail;ambulance;fire engine;truck;cart',
  'sailboat;ship;canoe',
  'shoe;sneaker;boot;high heel;sandal',
  'cup;mug;teacup;teapot;juice;soda;jar;bubble tea;baby bottle;can',
  'box;parcel;gift;crate;mailbox;cabinet;shelf',
  'bowl;plate;tray;basket;frying pan;bucket',
  'backpack;handbag;purse;suitcase;briefcase;shopping bag;toolbox',
  'coat;shirt;kimono;sari;dress;swimsuit',
  'cap;top hat;straw hat;helmet;mortarboard;crown',
  'notebook;book;folder;newspaper',
  'laptop;monitor;television;keyboard;phone;telephone;radio',
  'cat;tiger;dog;wolf;fox',
  'bear;panda;koala;teddy;hamster',
  'horse;pinata;unicorn;deer;moose',
  'sheep;goat;llama',
  'chicken;rooster;chick;turkey;duck;swan',
  'crocodile;dinosaur;dragon;snake',
  'fish;shark;whale;dolphin;pufferfish',
  'lemon;tangerine;mango;peach;apple;tomato',
  'pepper;chili;pumpkin',
  'pencil;pen;crayon;lipstick;candle;stick',
  'guitar;banjo;violin',
  'trumpet;saxophone;flute',
  'alarm clock;watch;compass',
  'bed;sofa;chair;seat',
  'house;castle;church;circus;tent;factory',
  'block;die;stack;pile;puzzle piece',
  'cookie;donut;waffle;pancake;pie;cake;cupcake',
  'hamburger;sandwich;taco;burrito;hotdog;bread;croissant',
  'disco ball;crystal ball;soccer ball;volleyball;baseball;basketball;billiard ball;football',
  'rose;tulip;hibiscus;cherry blossom;lotus;daisy;sunflower',
  'key;wrench;hammer;axe;pickaxe;screwdriver;saw;dagger;knife',
  'table;tabletop;table leg;shelf board;stick',
  'cart wheel;target;coin;gear',
];
